"""What can go wrong, by name."""

from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """What can go wrong. The word before the dot is the operation whose requests are counted.

    For `submit`, a name that ends in `_after`, and each unreadable reply, means that the task exists and is
    billed.
    """

    # submit, nothing created
    SUBMIT_DROP_BEFORE = "submit.drop_before"
    SUBMIT_ERROR_500 = "submit.error_500"
    SUBMIT_ERROR_502 = "submit.error_502"
    SUBMIT_ERROR_503 = "submit.error_503"
    SUBMIT_HTML_504 = "submit.html_504"
    SUBMIT_REDIRECT_301 = "submit.redirect_301"
    SUBMIT_REDIRECT_302 = "submit.redirect_302"
    SUBMIT_REDIRECT_307 = "submit.redirect_307"
    SUBMIT_REDIRECT_308 = "submit.redirect_308"
    SUBMIT_THROTTLE = "submit.throttle"  # 429 without Retry-After
    SUBMIT_THROTTLE_RETRY_AFTER = "submit.throttle_retry_after"
    SUBMIT_THROTTLE_ZERO = "submit.throttle_zero"
    SUBMIT_THROTTLE_NEGATIVE = "submit.throttle_negative"
    SUBMIT_THROTTLE_HUGE = "submit.throttle_huge"
    SUBMIT_THROTTLE_GARBAGE = "submit.throttle_garbage"
    SUBMIT_THROTTLE_PAST_DATE = "submit.throttle_past_date"
    SUBMIT_REFUSED_400 = "submit.refused_400"
    SUBMIT_REFUSED_401 = "submit.refused_401"
    SUBMIT_REFUSED_402 = "submit.refused_402"
    SUBMIT_REFUSED_403 = "submit.refused_403"
    SUBMIT_REFUSED_409 = "submit.refused_409"
    SUBMIT_REFUSED_413 = "submit.refused_413"
    SUBMIT_REFUSED_422 = "submit.refused_422"
    # submit, task created
    SUBMIT_DROP_AFTER = "submit.drop_after"
    SUBMIT_DROP_MID_REPLY = "submit.drop_mid_reply"
    SUBMIT_ERROR_500_AFTER = "submit.error_500_after"
    SUBMIT_ERROR_502_AFTER = "submit.error_502_after"
    SUBMIT_ERROR_503_AFTER = "submit.error_503_after"
    SUBMIT_HTML_504_AFTER = "submit.html_504_after"
    SUBMIT_HTML_200 = "submit.html_200"
    SUBMIT_EMPTY_200 = "submit.empty_200"
    SUBMIT_NO_ID = "submit.no_id"
    SUBMIT_NULL_DATA = "submit.null_data"
    SUBMIT_WRONG_ID_TYPE = "submit.wrong_id_type"
    SUBMIT_PATH_ID = "submit.path_id"  # an id with ../ in it
    SUBMIT_TRUNCATED_JSON = "submit.truncated_json"
    SUBMIT_DEEP_JSON = "submit.deep_json"  # 100,000 brackets
    SUBMIT_HUGE_NUMBER = "submit.huge_number"  # an integer of 5,000 digits
    SUBMIT_SLOW = "submit.slow"  # answered after `slow_seconds`
    # a task's fate
    TASK_NSFW = "task.nsfw"  # completed, at least one output flagged
    TASK_NULL_FLAGS = "task.null_flags"
    TASK_MODERATED = "task.moderated"  # failed, code 1200
    TASK_FAILED = "task.failed"  # failed, code 1403
    TASK_INTERNAL_ERROR = "task.internal_error"  # failed, code 5000
    TASK_UNAVAILABLE = "task.unavailable"  # failed, code 5003
    TASK_INPUT_UNREADABLE = "task.input_unreadable"  # failed, code 1402
    TASK_TIMEOUT = "task.timeout"
    TASK_CANCELLED = "task.cancelled"
    TASK_DELETED = "task.deleted"
    TASK_FEWER_OUTPUTS = "task.fewer_outputs"
    TASK_MORE_OUTPUTS = "task.more_outputs"
    TASK_NO_OUTPUTS = "task.no_outputs"  # completed, with nothing
    TASK_OBJECT_OUTPUTS = "task.object_outputs"  # outputs are objects with a url
    TASK_ODD_STATUS = "task.odd_status"  # runs under a word nobody documented
    TASK_ERROR_WHILE_RUNNING = "task.error_while_running"  # a text in `error` is not a failure
    TASK_STUCK = "task.stuck"  # processing for ever
    TASK_SUCCEEDED = "task.succeeded"  # completed, under the word `succeeded`
    TASK_ERROR = "task.error"  # failed, under the word `error`
    TASK_WORD_NSFW = "task.word_nsfw"  # failed by moderation, under the word `nsfw`
    TASK_RISK_CONTROL = "task.risk_control"  # moderated, in the words of the model's own provider, code 1403
    TASK_DIMENSIONS = "task.dimensions"  # an input refused in such words, code 1405
    TASK_LATE_OUTPUTS = "task.late_outputs"  # completed; the outputs come later
    TASK_NESTED_OUTPUTS = "task.nested_outputs"  # outputs are a list of lists
    TASK_TEXT_FLAGS = "task.text_flags"  # flagged, as the text "true"
    TASK_OBJECT_FLAGS = "task.object_flags"  # flagged, as an object of categories
    TASK_UNCLEAR_FLAGS = "task.unclear_flags"  # a flag that nobody can read
    # result
    RESULT_DROP = "result.drop"
    RESULT_ERROR_500 = "result.error_500"
    RESULT_ERROR_502 = "result.error_502"
    RESULT_ERROR_503 = "result.error_503"
    RESULT_HTML_504 = "result.html_504"
    RESULT_HTML_200 = "result.html_200"
    RESULT_THROTTLE = "result.throttle"
    RESULT_THROTTLE_RETRY_AFTER = "result.throttle_retry_after"
    RESULT_NOT_FOUND = "result.not_found"  # 404 for a live id
    RESULT_REFUSED_400 = "result.refused_400"  # 400 for a live id
    RESULT_TRUNCATED_JSON = "result.truncated_json"
    RESULT_SLOW = "result.slow"
    # list
    LIST_DROP = "list.drop"
    LIST_ERROR_500 = "list.error_500"
    LIST_HTML_504 = "list.html_504"
    LIST_THROTTLE = "list.throttle"
    LIST_TRUNCATED_JSON = "list.truncated_json"
    LIST_SLOW = "list.slow"
    # download of an output
    DOWNLOAD_DROP = "download.drop"  # half the body, then the line breaks
    DOWNLOAD_TRUNCATED = "download.truncated"  # less than Content-Length, closed politely
    DOWNLOAD_ERROR_500 = "download.error_500"
    DOWNLOAD_ERROR_503 = "download.error_503"
    DOWNLOAD_THROTTLE = "download.throttle"
    DOWNLOAD_FORBIDDEN = "download.forbidden"  # 403 once
    DOWNLOAD_NOT_FOUND = "download.not_found"  # 404 once
    DOWNLOAD_GONE = "download.gone"  # 410 once
    DOWNLOAD_EXPIRED = "download.expired"  # this URL is dead from now on
    DOWNLOAD_WRONG_TYPE = "download.wrong_type"  # right bytes, wrong Content-Type
    DOWNLOAD_OTHER_FORMAT = "download.other_format"  # a GIF
    DOWNLOAD_HTML = "download.html"
    DOWNLOAD_CORRUPT = "download.corrupt"  # whole by its length, broken as a picture
    DOWNLOAD_EMPTY = "download.empty"
    DOWNLOAD_NO_LENGTH = "download.no_length"  # chunked, which is fine
    DOWNLOAD_GZIP = "download.gzip"  # compressed, though nobody asked for it
    DOWNLOAD_LONG_TEXT = "download.long_text"  # a PNG with 2 MB of text beside its pixels
    DOWNLOAD_BAD_SIDE_SUM = "download.bad_side_sum"  # a PNG whose text has a wrong checksum
    DOWNLOAD_ENDLESS = "download.endless"  # zeros up to `endless_bytes_max`
    DOWNLOAD_REDIRECT = "download.redirect"  # 302 to the right place
    DOWNLOAD_REDIRECT_LOOP = "download.redirect_loop"
    DOWNLOAD_REDIRECT_INWARD = "download.redirect_inward"  # 302 to a metadata address
    DOWNLOAD_SLOW = "download.slow"
    # upload: ticket, multipart and PUT
    UPLOAD_DROP = "upload.drop"
    UPLOAD_ERROR_500 = "upload.error_500"
    UPLOAD_HTML_504 = "upload.html_504"
    UPLOAD_THROTTLE = "upload.throttle"
    UPLOAD_TOO_LARGE = "upload.too_large"  # 413
    UPLOAD_TRUNCATED_JSON = "upload.truncated_json"
    PUT_DROP = "put.drop"
    PUT_ERROR_500 = "put.error_500"
    PUT_EXPIRED = "put.expired"  # 403: the ticket has aged out
    PUT_EXISTS = "put.exists"  # 412, and the picture is there
    PUT_REFUSED_412 = "put.refused_412"  # 412, and nothing is there
    # webhook, counted by the tasks that were submitted with one
    WEBHOOK_LOST = "webhook.lost"  # never sent
    WEBHOOK_DUPLICATE = "webhook.duplicate"
    WEBHOOK_LATE = "webhook.late"  # after `webhook_late` seconds
    WEBHOOK_TAMPERED = "webhook.tampered"  # the first delivery does not fit its signature
    # balance, billing, price, models, usage
    ACCOUNT_DROP = "account.drop"
    ACCOUNT_ERROR_500 = "account.error_500"
    ACCOUNT_HTML_504 = "account.html_504"
    ACCOUNT_THROTTLE = "account.throttle"
    ACCOUNT_TRUNCATED_JSON = "account.truncated_json"
    # the refund of a task that failed
    REFUND_PARTIAL = "refund.partial"  # half of the charge
    REFUND_OVERSIZED = "refund.oversized"  # twice the charge, in one record
    REFUND_TWICE = "refund.twice"  # the charge, in two records
    # a page of the bill
    BILL_TWICE = "bill.twice"  # each record is listed twice
    BILL_SLIDES = "bill.slides"  # it begins with the last records of the page before

    @property
    def operation(self) -> str:
        """The word before the dot."""
        return self.value.partition(".")[0]

    @property
    def manner(self) -> str:
        """The word after the dot, without `_after`: what is seen from outside."""
        word = self.value.partition(".")[2]
        return word if word.endswith("retry_after") else word.removesuffix("_after")


COMMON: Final = (
    Fault.SUBMIT_DROP_BEFORE,
    Fault.SUBMIT_DROP_AFTER,
    Fault.SUBMIT_ERROR_503,
    Fault.SUBMIT_ERROR_500_AFTER,
    Fault.SUBMIT_HTML_504_AFTER,
    Fault.SUBMIT_THROTTLE,
    Fault.SUBMIT_THROTTLE_RETRY_AFTER,
    Fault.TASK_NSFW,
    Fault.TASK_NULL_FLAGS,
    Fault.TASK_MODERATED,
    Fault.TASK_FAILED,
    Fault.TASK_INTERNAL_ERROR,
    Fault.TASK_TIMEOUT,
    Fault.TASK_CANCELLED,
    Fault.TASK_FEWER_OUTPUTS,
    Fault.TASK_ODD_STATUS,
    Fault.TASK_ERROR_WHILE_RUNNING,
    Fault.RESULT_DROP,
    Fault.RESULT_ERROR_503,
    Fault.RESULT_HTML_504,
    Fault.RESULT_THROTTLE,
    Fault.RESULT_NOT_FOUND,
    Fault.RESULT_REFUSED_400,
    Fault.LIST_ERROR_500,
    Fault.DOWNLOAD_DROP,
    Fault.DOWNLOAD_TRUNCATED,
    Fault.DOWNLOAD_ERROR_503,
    Fault.DOWNLOAD_EXPIRED,
    Fault.DOWNLOAD_HTML,
    Fault.DOWNLOAD_CORRUPT,
    Fault.DOWNLOAD_EMPTY,
    Fault.DOWNLOAD_GZIP,
    Fault.UPLOAD_DROP,
    Fault.UPLOAD_ERROR_500,
    Fault.PUT_DROP,
    Fault.PUT_ERROR_500,
    Fault.PUT_EXISTS,
    Fault.WEBHOOK_LOST,
    Fault.WEBHOOK_DUPLICATE,
    Fault.WEBHOOK_TAMPERED,
    Fault.ACCOUNT_ERROR_500,
    Fault.BILL_TWICE,
    Fault.BILL_SLIDES,
)
"""One or a few of each kind, for trying everything at once; all of an operation's together leave room up
to 10 % each. None of a refund's: after those the account's own total is another than what its tasks cost.
"""
