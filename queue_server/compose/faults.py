"""Why a command of the command line ends."""


class CannotStartError(Exception):
    """The command cannot be carried out; the message is one sentence for whoever gave it."""


class StoppedError(Exception):
    """The service could not go on; the message is one sentence for whoever started it."""
