package refit.scoring;

import java.util.List;

/**
 * One input of the model, as the input contract describes it.
 *
 * @param name the column's name, as CSV headers and JSON keys spell it
 * @param kind a number, a category, or the offset that is added to the model's linear score
 * @param type the contract's notation: {@code int}, {@code decimal(p,s)}, {@code number} or
 *     {@code category}
 * @param required whether a row without it is refused
 * @param levels levels that the model knows; empty for a number
 * @param minimum smallest value of the contract, exact decimal text, or null
 * @param maximum largest value of the contract, exact decimal text, or null
 * @param description what it means, or an empty text
 */
public record Input(
        String name,
        Kind kind,
        String type,
        boolean required,
        List<String> levels,
        String minimum,
        String maximum,
        String description) {

    /** What values an input takes. */
    public enum Kind {
        /** A double; NaN is a missing value. */
        NUMBER,
        /** A text; null is a missing value. */
        CATEGORY,
        /** A number that the model adds to its linear score; never missing. */
        OFFSET
    }
}
