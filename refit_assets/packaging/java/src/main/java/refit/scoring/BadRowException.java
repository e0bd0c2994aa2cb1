package refit.scoring;

/** This row can't be scored; others can. Names the field and says why. */
public final class BadRowException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /** Its name, after the row's place in a batch if there is one. */
    private final String field;

    /** A sentence without the field's name. */
    private final String reason;

    BadRowException(String field, String reason) {
        super(field + ": " + reason);
        this.field = field;
        this.reason = reason;
    }

    /** The same complaint, with the place of the row in its batch or file. */
    BadRowException at(String place) {
        return new BadRowException(place + ", " + field, reason);
    }

    /**
     * The field at fault.
     *
     * @return its name in the input contract, after the row's place in a batch if there is one
     */
    public String field() {
        return field;
    }

    /**
     * What is wrong with the field.
     *
     * @return a sentence without the field's name
     */
    public String reason() {
        return reason;
    }
}
