"""Who is let in to which view."""

from queue_server.access.guesses import Guesses
from queue_server.access.roles import Deed, Principal
from queue_server.access.tokens import Tokens, TokensUnavailable
from queue_server.core.ids import BranchId
from queue_server.push.refusals import forbidden, too_many_guesses, unauthenticated, unavailable
from queue_server.push.views import View

_SHOWS = {View.BOARD: Deed.SEE_BOARD, View.STAFF: Deed.SEE_HALL}


class Admission:
    """Checks tokens and what their roles and branches allow; every method may raise Refusal."""

    def __init__(self, tokens: Tokens, guesses: Guesses | None = None) -> None:
        self._tokens = tokens
        self._guesses = guesses or Guesses()

    async def identify(self, token: str, peer: str) -> Principal:
        """Return whom *token* stands for; wrong ones are counted against the address *peer*."""
        try:
            principal = await self._tokens.authenticate(token)
        except TokensUnavailable:
            raise unavailable("Tokens cannot be checked now; try again") from None
        if principal is None:
            wait_seconds = self._guesses.failed(peer)
            raise too_many_guesses(wait_seconds) if wait_seconds > 0 else unauthenticated()
        return principal

    def enter(self, principal: Principal, branch_id: BranchId) -> None:
        """Let *principal* into a branch that is the token's."""
        if not principal.is_for(branch_id):
            raise forbidden(f"The token is not for the branch {branch_id!r}")

    def look(self, principal: Principal, view: View) -> None:
        """Let *principal* see *view*."""
        if not principal.may(_SHOWS[view]):
            raise forbidden(f"The role {principal.role.value!r} may not see the view {view.value!r}")

    async def is_revoked(self, token: str) -> bool:
        """Tell whether a token that was good no longer is; while that cannot be known it still counts."""
        if self._tokens.known(token) is not None:
            return False
        try:
            return await self._tokens.authenticate(token) is None
        except TokensUnavailable:
            return False
