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
    /** Of every question; null until all are known. */
    private int[] bitOf;

    Questions(int feature, int levels) {
        this.feature = feature;
        this.levels = levels;
    }

    /** How many questions were asked, until the answers are prepared. */
    abstract int asked();

    /** Fixes the place of the answers and returns the first word after them. */
    final int place(int word) {
        firstWord = word;
        words = asked() / Long.SIZE + 1;
        bitOf = new int[asked()];
        prepare(bitOf);
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
        return bitOf == null ? asked() : bitOf.length;
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
        private static final long KEY_BITS = 0x1_FFFF_FFFEL;
        private static final int DIGIT_BITS = 11;
        private static final int DIGITS = 1 << DIGIT_BITS;

        private double[] thresholds;
        private long[] ofMissing;
        /** The threshold's bits, then one for the answer to a missing value; null in the end. */
        private SmallNumbering asked = new SmallNumbering();

        Numbers(int feature, int levels) {
            super(feature, levels);
        }

        @Override
        int asked() {
            return asked.size();
        }

        /**
         * At least the threshold?
         *
         * @param threshold NaN where only a missing value goes right
         * @param missing the answer for a missing value
         * @return the question's number
         */
        int ask(float threshold, boolean missing) {
            return asked.of((long) Float.floatToIntBits(threshold) << 1 & KEY_BITS | (missing ? 1 : 0));
        }

        @Override
        void prepare(int[] bits) {
            long[] keys = asked.keys();
            asked = null;
            long[] unsorted = new long[bits.length];
            for (int q = 0; q < bits.length; q++) {
                unsorted[q] = (long) sortable(keys[q]) << Integer.SIZE | q;
            }
            long[] order = sorted(unsorted);
            thresholds = new double[bits.length];
            ofMissing = new long[words];
            for (int rank = 0; rank < order.length; rank++) {
                int q = (int) order[rank];
                thresholds[rank] = Float.intBitsToFloat((int) (keys[q] >> 1));
                bits[q] = rank;
                ofMissing[rank / Long.SIZE] |= (keys[q] & 1) << rank;
            }
        }

        /**
         * Sorts by the upper halves without their signs, eleven bits at a time.
         *
         * <p>A cold JVM has not compiled {@link Arrays#sort} yet, which takes longer.
         */
        private static long[] sorted(long[] keys) {
            long[] from = keys;
            long[] to = new long[keys.length];
            for (int shift = Integer.SIZE; shift < Long.SIZE; shift += DIGIT_BITS) {
                int[] places = new int[DIGITS + 1];
                for (long key : from) {
                    places[digit(key, shift) + 1]++;
                }
                for (int digit = 0; digit < DIGITS; digit++) {
                    places[digit + 1] += places[digit];
                }
                for (long key : from) {
                    to[places[digit(key, shift)]++] = key;
                }
                long[] spare = from;
                from = to;
                to = spare;
            }
            return from;
        }

        private static int digit(long key, int shift) {
            return (int) (key >>> shift) & DIGITS - 1;
        }

        /**
         * In the order of the floats where signs do not count. NaN comes last: no value has that
         * rank, so only a missing one says yes.
         */
        private static int sortable(long question) {
            int bits = (int) (question >> 1);
            return bits < 0 ? ~bits : bits ^ Integer.MIN_VALUE;
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
        /** What was asked; null in the end. */
        private Numbering asked;

        Categories(int feature, int levels) {
            super(feature, levels);
            asked = new Numbering(width(levels));
        }

        @Override
        int asked() {
            return asked.size();
        }

        /** The number of a question, which is a new one if it was not asked before. */
        int ask(long[] yes) {
            return asked.of(yes);
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
                        square[i] = q < bits.length ? asked.key(q, from / Long.SIZE) : 0;
                    }
                    turn(square);
                    for (int i = 0; i < Long.SIZE && from + i <= levels; i++) {
                        answers[(from + i) * words + word] = square[i];
                    }
                }
            }
            asked = null;
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
