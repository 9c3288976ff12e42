"""Six days with a flow at one o'clock each, of which the last is today."""

from tests.contract.traffic import MIDNIGHT_US, MadeFlow
from unmasq.base.clock import DAY_US
from unmasq.model.filter import FlowFilter

DAY = MIDNIGHT_US // DAY_US
TODAY = FlowFilter(since_us=MIDNIGHT_US + DAY_US // 2)
DAYS = [MadeFlow(minute=24 * 60 * day + 13 * 60) for day in range(-5, 1)]
