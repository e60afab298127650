"""Authorization: Orthanc is asked, as the caller, unless a proxy in front has decided.

Law: a caller may do here exactly what Orthanc would let the same caller do; nobody to ask is no, not yes.  What one
Orthanc allows is no word on the jobs of another.
"""

from collections.abc import Mapping
from typing import NoReturn

from jobindex.auth.caller import Caller
from jobindex.auth.standing import UNKNOWN_CALLER, Standing
from jobindex.auth.verdicts import Refusal, Verdicts
from jobindex.errors import NobodyToAsk, Refused
from jobindex.model.node import GONE
from jobindex.orthanc.wire import Answer, action_path
from jobindex.service.asking import Asking
from jobindex.service.breaker import Breaker
from jobindex.service.fan_out import HEAD_START, FanOut, Pairs
from jobindex.service.renewal import Renewal
from jobindex.service.view import View

NO_JOB = "00000000-0000-0000-0000-000000000000"
"""An id that no job has: acting on it changes nothing and still shows whether the caller may act."""


class Rights:
    """What callers may, by the word of the living nodes."""

    def __init__(self, view: View, asking: Asking, verdicts: Verdicts, breaker: Breaker) -> None:
        self._view = view
        self._verdicts = verdicts
        self._fan_out = FanOut(view, asking, breaker)
        self._renewal = Renewal(view, self._fan_out, verdicts.clock)

    async def may_list(self, caller: Caller) -> None:
        """Refused where every node refuses the caller the list of jobs, NobodyToAsk where none answers."""
        await self._renewal.standing(caller)

    async def hidden_from(self, caller: Caller) -> tuple[str, ...]:
        """The hidden set of a caller who may list: the nodes whose jobs it does not see, at this moment."""
        standing = await self._renewal.standing(caller)
        return standing.hidden(self._view.nodes)

    def still_hidden(self, fingerprint: str) -> tuple[str, ...] | None:
        """The same without asking anybody; None where somebody has to be asked first, or in the background."""
        return self._renewal.hidden(fingerprint)

    async def may_operate(self, caller: Caller) -> None:
        """Whether the caller may change the cluster: whoever may act on jobs at every living node."""
        await self.may_everywhere(caller, "POST", action_path(NO_JOB, "cancel"))

    async def may(self, caller: Caller, method: str, path: str) -> None:
        """Refused or NobodyToAsk unless some node would do this for the caller: for what shows and changes nothing.

        A yes is remembered for a short while, a no for a shorter one.
        """
        if not self._remembered(caller, what := f"{method} {path}"):
            self._decide(caller, what, await self._ask_until_yes(caller, (method, path)), strictly=False)

    def note_yes(self, caller: Caller, method: str, path: str) -> None:
        """Some node has just shown that it would do this for the caller."""
        self._verdicts.allow(caller.fingerprint, f"{method} {path}")

    async def may_everywhere(self, caller: Caller, method: str, path: str) -> None:
        """The same unless each node that answers would do it."""
        if not self._remembered(caller, what := f"everywhere {method} {path}"):
            answers = await self._fan_out.ask(caller, self._fan_out.worth_asking(), (method, path))
            self._decide(caller, what, answers, strictly=True)

    async def may_instead(self, caller: Caller, node_id: str, method: str, path: str) -> None:
        """The same where the owner of a job, which should decide, can't be asked.

        What it said of the caller's list last decides on reading, so that what is listed can be read and what is
        hidden can't; else all that may answer have to allow it.
        """
        said = await self._said(caller, node_id)
        if isinstance(said, Refusal):
            raise Refused(said.status, said.challenge, known=True)
        if not (said and method == "GET"):
            await self.may_everywhere(caller, method, path)

    async def refuse(self, caller: Caller, node_id: str, answer: Answer) -> NoReturn:
        """Raise what this node answered; what was allowed before is asked for again."""
        self._verdicts.withdraw(caller.fingerprint)
        self._renewal.contradict(caller, node_id)
        known = answer.status != UNKNOWN_CALLER or await self._renewal.is_known(caller, node_id)
        raise Refused(answer.status, answer.challenge, known=known)

    def note_refusal(self, caller: Caller, node_id: str, answer: Answer) -> None:
        """This node has refused the caller its list, to whoever asked in the caller's name."""
        self._renewal.refuse(caller, node_id, answer)

    async def end(self) -> None:
        """Ask nobody any more."""
        await self._renewal.end()
        await self._fan_out.end()

    async def _said(self, caller: Caller, node_id: str) -> Refusal | bool | None:
        """The owner's last word on the caller, in a list that shows the jobs of some nodes and not those of others."""
        node = self._view.nodes.get(node_id)
        if node is None or node.state == GONE or not self._renewal.has_listed(caller):
            return None
        try:
            standing = await self._renewal.standing(caller)
        except Refused:
            return None
        return _of_hidden(standing, node_id, standing.hidden(self._view.nodes)) or standing.said(node_id)

    async def _ask_until_yes(self, caller: Caller, request: tuple[str, str]) -> Mapping[str, Answer]:
        """One node, and all others at once where it does not say yes."""
        first, others = _split(self._renewal.friendly_first(caller, self._fan_out.worth_asking()))
        answers = await self._fan_out.ask(caller, first, request, head_start=0.0, within=HEAD_START, enough=_allows)
        if not any(map(_allows, answers.values())):
            more = await self._fan_out.ask(caller, others or first, request, head_start=0.0, enough=_allows)
            answers = {**answers, **more}
        return answers

    def _remembered(self, caller: Caller, what: str) -> bool:
        """Whether a yes still lasts; raises a no that does."""
        if refusal := self._verdicts.refusal(caller.fingerprint, what):
            raise Refused(*refusal)
        return self._verdicts.allowed(caller.fingerprint, what)

    def _decide(self, caller: Caller, what: str, answers: Mapping[str, Answer], *, strictly: bool) -> None:
        refusals = {node_id: answer for node_id, answer in answers.items() if answer.refuses}
        if not answers:
            raise NobodyToAsk("No Orthanc can be asked whether this caller may")
        if not refusals or not (strictly or len(refusals) == len(answers)):
            self._verdicts.allow(caller.fingerprint, what)
            return
        worst = max(refusals.values(), key=lambda answer: answer.status)
        refusal = Refusal(worst.status, worst.challenge, len(refusals) < len(answers))
        self._withdraw(caller, *refusals)
        self._verdicts.refuse(caller.fingerprint, what, refusal)
        raise Refused(*refusal)

    def _withdraw(self, caller: Caller, *node_ids: str) -> None:
        """These nodes have just refused the caller something: what was allowed before is asked for again."""
        self._verdicts.withdraw(caller.fingerprint)
        for node_id in node_ids:
            self._renewal.doubt(caller, node_id)


class Granted(Rights):
    """Where a proxy in front has decided whom it lets in: no node is asked, and so there is always an answer."""

    async def may_list(self, caller: Caller) -> None:
        return

    async def hidden_from(self, caller: Caller) -> tuple[str, ...]:
        return ()

    def still_hidden(self, fingerprint: str) -> tuple[str, ...]:
        return ()

    async def may(self, caller: Caller, method: str, path: str) -> None:
        return

    async def may_everywhere(self, caller: Caller, method: str, path: str) -> None:
        return

    async def may_instead(self, caller: Caller, node_id: str, method: str, path: str) -> None:
        return


def _allows(answer: Answer) -> bool:
    return answer.allows


def _split(nodes: Pairs) -> tuple[Pairs, Pairs]:
    return nodes[:1], nodes[1:]


def _of_hidden(standing: Standing, node_id: str, hidden: tuple[str, ...]) -> Refusal | None:
    """The refusal for a job of this node where its jobs are hidden: its own, or that of another as strict."""
    if node_id not in hidden:
        return None
    said = standing.said(node_id)
    return said if isinstance(said, Refusal) else Refusal(403, "")
