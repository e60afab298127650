"""The table of chores: what is due, looked for so often that nothing is much later than promised."""

from collections.abc import Sequence

from jobindex.audit.repeats import EVERY as FLUSH_EVERY
from jobindex.audit.repeats import Repeats
from jobindex.clock import Chore
from jobindex.service.condition import EVERY as LOOK_EVERY
from jobindex.service.history import EVERY as REAP_EVERY
from jobindex.service.insecurity import AGAIN as WARN_EVERY
from jobindex.wiring.services import Services


def build_chores(services: Services, repeats: Repeats) -> Sequence[Chore]:
    return [
        Chore("late nodes", 0.5, services.roster.late_due),
        Chore("visits", 0.5, services.visits.visit_due),
        Chore("history", REAP_EVERY / 4, services.history.reap_due),
        Chore("condition of the index", LOOK_EVERY, services.condition.look_due),
        Chore("warnings", WARN_EVERY, services.insecurity.warn_due),
        Chore("audit", FLUSH_EVERY, repeats.flush_due),
    ]
