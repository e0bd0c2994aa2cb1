package refit.scoring;

import java.util.AbstractList;
import java.util.Objects;
import java.util.RandomAccess;

/** Answers of a batch as typed predictions, each made when it is asked for. */
final class AnswerList<P> extends AbstractList<P> implements RandomAccess {
    private final Answers answers;
    private final Maker<P> maker;

    AnswerList(Answers answers, Maker<P> maker) {
        this.answers = answers;
        this.maker = maker;
    }

    @Override
    public P get(int index) {
        int row = Objects.checkIndex(index, answers.rows());
        return maker.make(answers.piece(row), answers.at(row));
    }

    @Override
    public int size() {
        return answers.rows();
    }

    /** Makes a prediction. */
    interface Maker<P> {
        /** Of the answers that begin there. */
        P make(double[] answers, int at);
    }
}
