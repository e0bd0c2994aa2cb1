package refit.scoring;

import java.util.AbstractList;
import java.util.RandomAccess;
import java.util.function.IntFunction;

/** Answers of a batch as typed predictions, each made when it is asked for. */
final class AnswerList<P> extends AbstractList<P> implements RandomAccess {
    private final int size;
    private final IntFunction<P> maker;

    AnswerList(int size, IntFunction<P> maker) {
        this.size = size;
        this.maker = maker;
    }

    @Override
    public P get(int index) {
        return maker.apply(java.util.Objects.checkIndex(index, size));
    }

    @Override
    public int size() {
        return size;
    }
}
