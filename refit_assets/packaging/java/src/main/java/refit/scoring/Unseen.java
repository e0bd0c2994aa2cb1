package refit.scoring;

/** What to do with a category's level that the model did not see when it was trained. */
public enum Unseen {
    /** Score it as a missing value: what the training cluster does. */
    MISSING,
    /** Refuse the row with a {@link BadRowException}. */
    FAIL
}
