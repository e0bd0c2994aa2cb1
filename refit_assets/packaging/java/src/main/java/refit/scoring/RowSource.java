package refit.scoring;

import java.io.IOException;

/** Rows of a file, one after another. */
interface RowSource {
    /** Moves to the next row; false at the end. A malformed one throws BadRowException. */
    boolean next() throws IOException;

    /** Encodes the current row. */
    void encode(Block block, int row);

    /** Line of the file on which the current row begins. */
    long line();

    /** The current row's columns that are to be passed through, in the order of the header. */
    String[] passed();

    /** Names of the columns that are passed through. */
    String[] passedNames();
}
