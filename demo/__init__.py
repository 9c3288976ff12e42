"""The product's main job on real traffic: a real nginx behind a real load balancer, real kernel connections, real answers.

`python -m demo` needs root, nginx, HAProxy and nftables (`make demo` installs them). It builds a small network of
namespaces, touches nothing outside it, and takes it away at the end; with KEEP=1 it waits, to let you look around.
"""
