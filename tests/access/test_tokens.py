import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from queue_server.access import tokens as module
from queue_server.access.memory import MemoryTokens
from queue_server.access.postgres import PostgresTokens
from queue_server.access.roles import Principal, Role
from queue_server.access.tokens import Tokens, TokenStore, TokensUnavailable, create_token, token_hash


class Counted(MemoryTokens):
    """Counts the look-ups; can be away, and can be held up in the middle of one."""

    def __init__(self) -> None:
        super().__init__()
        self.finds = 0
        self.is_away = False
        self.gate: asyncio.Event | None = None
        self.found = asyncio.Event()

    async def find(self, token_hash: bytes) -> Principal | None:
        self.finds += 1
        if self.is_away:
            raise TokensUnavailable
        principal = await super().find(token_hash)
        self.found.set()
        if self.gate is not None:
            await self.gate.wait()
        return principal

    async def revoked_within(self, seconds: float) -> list[bytes]:
        if self.is_away:
            raise TokensUnavailable
        return await super().revoked_within(seconds)


@pytest.fixture
async def postgres_tokens(database_url: str) -> AsyncIterator[PostgresTokens]:
    kept = PostgresTokens(database_url)
    yield kept
    await kept.close()


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> TokenStore:
    if request.param == "memory":
        return MemoryTokens()
    kept: PostgresTokens = request.getfixturevalue("postgres_tokens")
    return kept


async def test_a_token_is_found_until_it_is_revoked(store: TokenStore) -> None:
    token, principal = await create_token(store, Role.STAFF, ["main"], "ann")
    everywhere, admin = await create_token(store, Role.ADMIN)
    assert await store.find(token_hash(token)) == principal == Principal("ann", Role.STAFF, frozenset({"main"}))
    assert await store.find(token_hash(everywhere)) == admin
    assert admin.branches is None
    assert await store.find(token_hash("nobody")) is None
    assert await store.revoke(token_hash(token))
    assert not await store.revoke(token_hash(token))
    assert await store.find(token_hash(token)) is None
    assert await store.revoked_within(60) == [token_hash(token)]


async def test_a_token_is_random_and_a_subject_new_unless_named(store: TokenStore) -> None:
    (one, first), (other, second) = [await create_token(store, Role.KIOSK) for _ in range(2)]
    assert one != other
    assert first.subject != second.subject
    assert len(one) >= 43


@pytest.mark.parametrize("subject", ["a:b", "", "a b", "x" * 65, "né", "a\n", "wake", "system"])
async def test_a_subject_that_could_not_be_told_apart_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        await create_token(MemoryTokens(), Role.STAFF, None, subject)


async def test_only_the_hash_is_stored(postgres_tokens: PostgresTokens, database_url: str) -> None:
    token, _ = await create_token(postgres_tokens, Role.ADMIN)
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("select * from access_token")
    await connection.close()
    assert token not in str([tuple(row) for row in rows])
    assert [row["token_hash"] for row in rows] == [token_hash(token)]


async def test_a_lost_connection_is_said_and_made_again(postgres_tokens: PostgresTokens) -> None:
    token, principal = await create_token(postgres_tokens, Role.ADMIN)
    with pytest.raises(TokensUnavailable):
        await postgres_tokens._fetch("select pg_terminate_backend(pg_backend_pid())")
    assert await postgres_tokens.find(token_hash(token)) == principal


@pytest.mark.parametrize(
    "state", ["53100", "53200", "53300", "57P01", "57P03", "57014", "58030", "40001", "28P01", "3D000", "55P03"]
)
async def test_what_passes_at_the_database_means_that_tokens_are_unavailable(postgres_tokens: PostgresTokens, state: str) -> None:
    with pytest.raises(TokensUnavailable):
        await postgres_tokens._fetch(f"do $$ begin raise exception using errcode = '{state}'; end $$")


async def test_a_database_that_may_only_be_read_takes_no_tokens(postgres_tokens: PostgresTokens) -> None:
    await postgres_tokens._fetch("set default_transaction_read_only = on")
    with pytest.raises(TokensUnavailable):
        await create_token(postgres_tokens, Role.ADMIN)


async def test_a_fault_of_our_own_is_not_called_unavailable(postgres_tokens: PostgresTokens) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await postgres_tokens._fetch("select from nothing")


async def test_a_token_is_looked_up_once() -> None:
    store = Counted()
    token, principal = await create_token(store, Role.KIOSK)
    tokens = Tokens(store)
    assert tokens.known(token) is None
    assert [await tokens.authenticate(token) for _ in range(3)] == [principal] * 3
    assert tokens.known(token) == principal
    assert store.finds == 1


async def test_an_unknown_token_is_asked_for_again_only_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    store = Counted()
    tokens = Tokens(store, clock=lambda: now)
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: "made-later")
    assert await tokens.authenticate("qs_made-later") is None
    _, principal = await create_token(store, Role.KIOSK)
    assert await tokens.authenticate("qs_made-later") is None
    assert store.finds == 1
    now += module.UNKNOWN_SECONDS
    assert await tokens.authenticate("qs_made-later") == principal


async def test_what_cannot_be_a_token_is_not_looked_up() -> None:
    store = Counted()
    for odd in ("", "x" * 129, "né"):
        assert await Tokens(store).authenticate(odd) is None
    assert store.finds == 0


async def test_the_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNKNOWN_LIMIT", 10)
    monkeypatch.setattr(module, "KNOWN_LIMIT", 10)
    store = Counted()
    tokens = Tokens(store)
    for n in range(30):
        await tokens.authenticate(f"nobody{n}")
        await tokens.authenticate((await create_token(store, Role.KIOSK))[0])
    assert (len(tokens._unknown), len(tokens._known)) == (10, 10)


async def test_a_revoked_token_is_forgotten_at_the_next_refresh() -> None:
    store = Counted()
    token, _ = await create_token(store, Role.KIOSK)
    tokens = Tokens(store)
    await tokens.authenticate(token)
    await store.revoke(token_hash(token))
    await tokens.refresh()
    assert await tokens.authenticate(token) is None


async def test_a_revocation_is_not_overwritten_by_an_older_look_up() -> None:
    store = Counted()
    token, principal = await create_token(store, Role.KIOSK)
    now = 1.0
    tokens = Tokens(store, clock=lambda: now)
    store.gate = asyncio.Event()
    slow = asyncio.create_task(tokens.authenticate(token))
    await store.found.wait()
    await store.revoke(token_hash(token))
    now = 2.0
    await tokens.refresh()
    store.gate.set()
    assert await slow == principal
    assert tokens.known(token) is None


async def test_while_the_store_is_away_known_tokens_still_count() -> None:
    store = Counted()
    token, principal = await create_token(store, Role.KIOSK)
    tokens = Tokens(store)
    await tokens.authenticate(token)
    store.is_away = True
    assert await tokens.authenticate(token) == principal
    with pytest.raises(TokensUnavailable):
        await tokens.authenticate("another")
    with pytest.raises(TokensUnavailable):
        await tokens.refresh()


async def test_revocations_made_while_the_store_was_away_are_read_later() -> None:
    store, seen = Counted(), []
    now = 0.0
    tokens = Tokens(store, clock=lambda: now)

    async def revoked_within(seconds: float) -> list[bytes]:
        seen.append(seconds)
        return []

    store.revoked_within = revoked_within  # type: ignore[method-assign]
    now = 1000.0
    await tokens.refresh()
    now = 1003.0
    await tokens.refresh()
    assert seen[0] > 1000
    assert 3 < seen[1] < 100


async def test_following_starts_and_stops() -> None:
    tokens = Tokens(MemoryTokens())
    await tokens.start()
    await tokens.close()
    await tokens.close()


async def test_a_token_never_looks_like_an_option_of_a_command_line() -> None:
    store = MemoryTokens()
    made = [(await create_token(store, Role.ADMIN))[0] for _ in range(200)]
    assert all(token.startswith("qs_") for token in made)
