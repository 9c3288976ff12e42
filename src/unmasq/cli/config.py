"""`unmasq config`: settings, log formats and the trust list."""

from cyclopts import App

app = App(name="config", help="Settings, the log format of your proxy, and whom you trust.")
app.command("unmasq.cli.config_view:view", name="view", help="Print the settings of a verb and where each comes from.")
app.command("unmasq.cli.config_template:template", name="template", help="Print the safe log format for a proxy.")
app.command("unmasq.cli.config_trust:app", name="trust", help="The proxies whose headers are believed.")
