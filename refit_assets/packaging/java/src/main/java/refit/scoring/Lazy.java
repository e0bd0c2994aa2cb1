package refit.scoring;

/** A value made at its first use, once, by whichever thread comes first. */
abstract class Lazy<T> {
    private volatile T value;

    abstract T make();

    final T get() {
        T made = value;
        if (made == null) {
            synchronized (this) {
                made = value;
                if (made == null) {
                    made = make();
                    value = made;
                }
            }
        }
        return made;
    }
}
