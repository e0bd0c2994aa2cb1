package refit.scoring;

/**
 * Answers of a batch, {@link Outputs#width} doubles a row, in pieces of so many rows. Each is made by
 * the thread that fills it, while it lies in its cache: one array for all would be cleared by one
 * thread first.
 */
record Answers(int rows, int width, int rowsAPiece, double[][] pieces) {
    static Answers of(int rows, int width, int rowsAPiece) {
        int pieces = rows / rowsAPiece + Math.min(1, rows % rowsAPiece);
        return new Answers(rows, width, rowsAPiece, new double[pieces][]);
    }

    /** Makes the piece of that number; the last one may be short. */
    double[] make(int piece) {
        int from = piece * rowsAPiece;
        pieces[piece] = new double[Math.multiplyExact(Math.min(rowsAPiece, rows - from), width)];
        return pieces[piece];
    }

    /** The piece with that row's answers. */
    double[] piece(int row) {
        return pieces[row / rowsAPiece];
    }

    /** Where in its piece that row's answers begin. */
    int at(int row) {
        return row % rowsAPiece * width;
    }
}
