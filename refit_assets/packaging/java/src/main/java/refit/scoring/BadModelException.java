package refit.scoring;

/** The model in this jar can't be used: unreadable, or it fails its own test. Stop serving. */
public final class BadModelException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    BadModelException(String message) {
        super(message);
    }

    BadModelException(String message, Throwable cause) {
        super(message, cause);
    }
}
