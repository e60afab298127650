"""Orthanc's own errors: their numbers, what they are called, and the answer that each becomes."""

from http import HTTPStatus

from jobindex.demo.simulator.rendering import ERROR_INDENT, render

SUCCESS = 0
PARAMETER_OUT_OF_RANGE = 3
BAD_SEQUENCE_OF_CALLS = 6
INEXISTENT_ITEM = 7
NETWORK_PROTOCOL = 9
BAD_FILE_FORMAT = 15
UNKNOWN_RESOURCE = 17
CANCELED_JOB = 37

MESSAGES = {
    SUCCESS: "Success",
    PARAMETER_OUT_OF_RANGE: "Parameter out of range",
    BAD_SEQUENCE_OF_CALLS: "Bad sequence of calls",
    INEXISTENT_ITEM: "Accessing an inexistent item",
    NETWORK_PROTOCOL: "Error in the network protocol",
    BAD_FILE_FORMAT: "Bad file format",
    UNKNOWN_RESOURCE: "Unknown resource",
    CANCELED_JOB: "This job was canceled",
}
STATUSES = {
    PARAMETER_OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
    BAD_FILE_FORMAT: HTTPStatus.BAD_REQUEST,
    INEXISTENT_ITEM: HTTPStatus.NOT_FOUND,
    UNKNOWN_RESOURCE: HTTPStatus.NOT_FOUND,
}


class OrthancError(Exception):
    """An error with one of Orthanc's numbers, raised by a job or while a request is answered."""

    def __init__(self, code: int, details: str = "") -> None:
        super().__init__(MESSAGES[code])
        self.code = code
        self.details = details

    @property
    def status(self) -> HTTPStatus:
        return STATUSES.get(self.code, HTTPStatus.INTERNAL_SERVER_ERROR)

    def body(self, method: str, path: str) -> str:
        """Write the JSON that Orthanc answers; `path` is without the query."""
        members: dict[str, object] = {
            "HttpError": self.status.phrase,
            "HttpStatus": int(self.status),
            "Message": MESSAGES[self.code],
            "Method": method,
            "OrthancError": MESSAGES[self.code],
            "OrthancStatus": self.code,
            "Uri": path,
        }
        if self.details:
            members["Details"] = self.details
        return render(members, ERROR_INDENT) + "\n"
