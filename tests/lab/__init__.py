"""The test lab: a small internet of network namespaces with real proxies, made for tests and for the demo.

Here belongs what builds that world and speaks in it: namespaces, addresses and translations (`network`), the
servers (`proxies`), requests sent from inside a namespace (`client`), the kernel's own record of connections
read by somebody else's program (`conntrack`), and all of it started together (`cluster`). What does not belong
here is anything of unmasq itself: the lab is the reality that the program is compared with.

Everything is the standard library. It needs root and these Debian packages::

    apt-get install -y --no-install-recommends iproute2 nftables conntrack nginx-light haproxy curl

No packet leaves the namespaces: none of them has a link to the machine's own network.
"""

PROGRAMS = {
    "ip": "iproute2",
    "nft": "nftables",
    "conntrack": "conntrack",
    "nginx": "nginx-light",
    "haproxy": "haproxy",
    "curl": "curl",
}
"""Program that the lab starts -> the Debian package that has it."""
