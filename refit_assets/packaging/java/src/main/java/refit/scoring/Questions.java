package refit.scoring;

import java.util.Arrays;

/**
 * All questions that a forest asks about one feature, answered together as bits.
 *
 * <p>There are two kinds: {@link Numbers} asks "at least the threshold?", {@link Categories} asks
 * "one of these levels?". A question is added while trees are read, and has the number of one that
 * is the same; {@link #place} then fixes where the answers lie in a row's bit vector.
 */
abstract class Questions {
    final int feature;
    /** Number of levels of the feature, or -1 if it is no category in the model. */
    final int levels;
    int firstWord;
    int words;
    /** What was asked, until the answers are prepared. */
    Numbering questions;
    /** Of every question; null until all are known. */
    private int[] bitOf;

    /** {@code width} is the number of longs that tell a question from others. */
    Questions(int feature, int levels, int width) {
        this.feature = feature;
        this.levels = levels;
        questions = new Numbering(width);
    }

    /** The number of a question, which is a new one if it was not asked before. */
    final int ask(long[] question) {
        return questions.of(question);
    }

    /** Fixes the place of the answers and returns the first word after them. */
    final int place(int word) {
        firstWord = word;
        words = questions.size() / Long.SIZE + 1;
        bitOf = new int[questions.size()];
        prepare(bitOf);
        questions = null;
        return word + words;
    }

    /** Which bit of the vector answers the question of that number. */
    final int bit(int question) {
        return firstWord * Long.SIZE + bitOf[question];
    }

    /** Prepares the answers and writes the bit of each question, counted from the first word. */
    abstract void prepare(int[] bits);

    /** Writes the answers for this value of the feature; {@code at} is the row's first word. */
    abstract void answer(double value, long[] bits, int at);

    /** How many kinds of values these questions tell apart, a missing one among them. */
    abstract int kinds();

    /** Which kind of value this is, from 0. */
    abstract int kind(double value);

    /** What the question of that number answers for that kind of value. */
    abstract boolean says(int question, int kind);

    final int count() {
        return bitOf == null ? questions.size() : bitOf.length;
    }

    final boolean bitIsSet(int question, long[] answers, int from) {
        int bit = bitOf[question];
        return (answers[from + bit / Long.SIZE] >>> bit & 1) != 0;
    }

    /** Which bit answers the question, counted from the first word of the group. */
    final int bitWithin(int question) {
        return bitOf[question];
    }

    /** Finite thresholds among the questions: where a value next to them may go either way. */
    double[] thresholds() {
        return new double[0];
    }

    abstract long bytes();

    /** H2O takes a code past the domain for a missing value, with the fraction cut off. */
    final boolean missing(double value) {
        return Double.isNaN(value) || levels >= 0 && (int) value >= levels;
    }

    /** Questions of numbers: those below a value's rank among the thresholds say yes. */
    static final class Numbers extends Questions {
        private double[] thresholds;
        private long[] ofMissing;
        /** The threshold's bits, then one for the answer to a missing value. */
        private final long[] asked = new long[1];

        Numbers(int feature, int levels) {
            super(feature, levels, 1);
        }

        /**
         * At least the threshold?
         *
         * @param threshold NaN where only a missing value goes right
         * @param missing the answer for a missing value
         * @return the question's number
         */
        int ask(float threshold, boolean missing) {
            asked[0] = (long) Float.floatToIntBits(threshold) << 1 | (missing ? 1 : 0);
            return ask(asked);
        }

        @Override
        void prepare(int[] bits) {
            long[] order = new long[bits.length];
            for (int q = 0; q < order.length; q++) {
                order[q] = (long) sortable(questions.key(q, 0)) << Integer.SIZE | q;
            }
            Arrays.sort(order);
            thresholds = new double[bits.length];
            ofMissing = new long[words];
            for (int rank = 0; rank < order.length; rank++) {
                int q = (int) order[rank];
                thresholds[rank] = Float.intBitsToFloat((int) (questions.key(q, 0) >> 1));
                bits[q] = rank;
                ofMissing[rank / Long.SIZE] |= (questions.key(q, 0) & 1) << rank;
            }
        }

        /** NaN comes last: no value has that rank, so only a missing one says yes. */
        private static int sortable(long question) {
            int bits = (int) (question >> 1);
            return bits ^ bits >> Integer.SIZE - 1 & Integer.MAX_VALUE;
        }

        @Override
        void answer(double value, long[] bits, int at) {
            int to = at + firstWord;
            if (missing(value)) {
                System.arraycopy(ofMissing, 0, bits, to, words);
                return;
            }
            int rank = rank(value);
            int full = rank >> 6;
            for (int i = 0; i < full; i++) {
                bits[to + i] = -1;
            }
            bits[to + full] = (1L << rank) - 1;
            for (int i = full + 1; i < words; i++) {
                bits[to + i] = 0;
            }
        }

        @Override
        int kinds() {
            return count() + 2;
        }

        @Override
        int kind(double value) {
            return missing(value) ? thresholds.length + 1 : rank(value);
        }

        @Override
        boolean says(int question, int kind) {
            boolean missing = kind > thresholds.length;
            return missing ? bitIsSet(question, ofMissing, 0) : bitWithin(question) < kind;
        }

        /** How many thresholds are at most the value: a search that the JIT makes branch-free. */
        private int rank(double value) {
            double[] sorted = thresholds;
            int low = 0;
            int n = sorted.length;
            while (n > 0) {
                int half = n + 1 >> 1;
                low += sorted[low + half - 1] <= value ? half : 0;
                n -= half;
            }
            return low;
        }

        @Override
        double[] thresholds() {
            return Arrays.stream(thresholds).filter(t -> !Double.isNaN(t)).toArray();
        }

        @Override
        long bytes() {
            return 8L * (thresholds.length + ofMissing.length);
        }
    }

    /**
     * Questions of categories: a prepared row of bits for every level, and one for none.
     *
     * <p>A question is a bit for every level, set where it goes right, and one behind them for none.
     */
    static final class Categories extends Questions {
        private long[] answers;

        Categories(int feature, int levels) {
            super(feature, levels, width(levels));
        }

        /** Longs that have a bit for every level and for none. */
        static int width(int levels) {
            return levels / Long.SIZE + 1;
        }

        @Override
        void prepare(int[] bits) {
            answers = new long[(levels + 1) * words];
            for (int q = 0; q < bits.length; q++) {
                bits[q] = q;
            }
            long[] square = new long[Long.SIZE];
            for (int from = 0; from <= levels; from += Long.SIZE) {
                for (int word = 0; word < words; word++) {
                    for (int i = 0; i < Long.SIZE; i++) {
                        int q = word * Long.SIZE + i;
                        square[i] = q < bits.length ? questions.key(q, from / Long.SIZE) : 0;
                    }
                    turn(square);
                    for (int i = 0; i < Long.SIZE && from + i <= levels; i++) {
                        answers[(from + i) * words + word] = square[i];
                    }
                }
            }
        }

        /**
         * Makes columns of rows: halves, then quarters and so on change places, down to bits.
         *
         * <p>A loop over all levels of all questions took a cold JVM a tenth of a second.
         */
        private static void turn(long[] square) {
            long low = -1;
            for (int half = Long.SIZE / 2; half > 0; half /= 2) {
                low ^= low << half;
                for (int i = 0; i < Long.SIZE; i = i + half + 1 & ~half) {
                    long change = (square[i] >>> half ^ square[i + half]) & low;
                    square[i] ^= change << half;
                    square[i + half] ^= change;
                }
            }
        }

        @Override
        void answer(double value, long[] bits, int at) {
            int to = at + firstWord;
            int from = kind(value) * words;
            for (int i = 0; i < words; i++) {
                bits[to + i] = answers[from + i];
            }
        }

        @Override
        int kinds() {
            return levels + 1;
        }

        @Override
        int kind(double value) {
            return missing(value) || (int) value < 0 ? levels : (int) value;
        }

        @Override
        boolean says(int question, int kind) {
            return bitIsSet(question, answers, kind * words);
        }

        @Override
        long bytes() {
            return 8L * answers.length;
        }
    }
}
