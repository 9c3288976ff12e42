"""What others know of an address: its country and the owner of its network from files, its name from the DNS.

Nothing of it decides anything, and nothing is sent anywhere but the questions for a name, which a person asks for. Only global
addresses are looked up: in these files, reserved ones have countries too. None of the files is shipped.
"""
