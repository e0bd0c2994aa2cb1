package refit.scoring;

import hex.genmodel.CategoricalEncoding;
import hex.genmodel.MojoModel;
import hex.genmodel.easy.CategoricalEncoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * From typed values to the row that the model reads, by the number of the input in the contract.
 *
 * <p>Missing values that the contract requires, levels that nobody knows and texts that are no
 * numbers are found here and nowhere else.
 */
final class Encoder {
    private static final int NOT_READ = -1;
    private static final int OFFSET = -2;

    private final Input[] inputs;
    private final boolean[] required;
    /** Column of the model's row, or one of the two constants above. */
    private final int[] slots;
    /** A category's levels; null for numbers and where H2O's own encoder is needed. */
    private final Levels[] levels;
    /** One-hot and other explicit encodings write several columns. */
    private final CategoricalEncoder[] encoders;
    private final boolean refuseUnseen;

    Encoder(MojoModel model, List<Input> declared, Unseen unseen) {
        int n = declared.size();
        inputs = new Input[n];
        required = new boolean[n];
        slots = new int[n];
        levels = new Levels[n];
        encoders = new CategoricalEncoder[n];
        refuseUnseen = unseen == Unseen.FAIL;
        CategoricalEncoding encoding = model.getCategoricalEncoding();
        Map<String, Integer> columns = encoding.createColumnMapping(model);
        Map<Integer, CategoricalEncoder> explicit =
                encoding.createCategoricalEncoders(model, columns);
        for (int i = 0; i < n; i++) {
            Input input = declared.get(i);
            Integer column = columns.get(input.name());
            boolean offset = input.kind() == Input.Kind.OFFSET;
            slots[i] = offset ? OFFSET : column == null ? NOT_READ : column;
            required[i] = input.required();
            String[] known = domain(model, input.name());
            if (input.kind() == Input.Kind.CATEGORY && column != null) {
                if (encoding == CategoricalEncoding.AUTO) {
                    levels[i] = new Levels(known);
                } else {
                    encoders[i] = explicit.get(column);
                }
            }
            inputs[i] = withLevels(input, known);
        }
        checkAllRead(model, encoding == CategoricalEncoding.AUTO);
    }

    /** A column that the model reads and nobody fills would be 0 in every row, silently. */
    private void checkAllRead(MojoModel model, boolean plain) {
        List<String> unread = new ArrayList<>();
        if (plain) {
            unread.addAll(Arrays.asList(model.getNames()).subList(0, model.nfeatures()));
        }
        for (Input input : inputs) {
            unread.remove(input.name());
        }
        if (!unread.isEmpty()) {
            throw new BadModelException("the input contract lacks columns of the model: " + unread);
        }
    }

    private static String[] domain(MojoModel model, String name) {
        // Only models with an explicit encoding know names that differ from those of their row.
        boolean encoded = model.getOrigNames() != null;
        String[] names = encoded ? model.getOrigNames() : model.getNames();
        String[][] domains = encoded ? model.getOrigDomainValues() : model.getDomainValues();
        int at = Arrays.asList(names).indexOf(name);
        return at < 0 ? null : domains[at];
    }

    private static Input withLevels(Input input, String[] known) {
        List<String> levels = known == null ? input.levels() : List.of(known);
        return new Input(
                input.name(),
                input.kind(),
                input.type(),
                input.required(),
                levels,
                input.minimum(),
                input.maximum(),
                input.description());
    }

    int size() {
        return inputs.length;
    }

    Input input(int i) {
        return inputs[i];
    }

    List<Input> inputs() {
        return List.of(inputs);
    }

    /** Sets a number; NaN is a missing one. */
    void number(Block block, int row, int input, double value) {
        int slot = slots[input];
        double known = present(input, value);
        if (slot >= 0) {
            block.rows[row][slot] = known;
        } else if (slot == OFFSET) {
            block.offsets[row] = known;
        }
    }

    /** Sets a number of several rows, from a column. */
    void numbers(Block block, int rows, int input, double[] column, int from) {
        for (int row = 0; row < rows; row++) {
            number(block, row, input, column[from + row]);
        }
    }

    /** Sets a category of several rows, from a column. */
    void categories(Block block, int rows, int input, String[] column, int from) {
        for (int row = 0; row < rows; row++) {
            category(block, row, input, column[from + row]);
        }
    }

    /** Sets a category; null is a missing one. */
    void category(Block block, int row, int input, String level) {
        if (level == null && required[input]) {
            throw missing(input);
        }
        if (levels[input] != null) {
            block.rows[row][slots[input]] = code(input, level);
        } else if (encoders[input] != null) {
            explicit(block.rows[row], input, level);
        }
    }

    /** The same text, as the object that scoring looks up fastest; any text may be asked for. */
    String own(int input, String level) {
        return level == null || levels[input] == null ? level : levels[input].own(level);
    }

    /** The number of a level, for a scorer that knows where it belongs; NaN is a missing one. */
    double code(int input, String level) {
        if (level == null) {
            return present(input, Double.NaN);
        }
        double code = levels[input].code(level);
        if (Double.isNaN(code) && refuseUnseen) {
            throw unseen(input, level);
        }
        return code;
    }

    /** The same number, unless it is missing and must not be. */
    double present(int input, double value) {
        if (Double.isNaN(value) && required[input]) {
            throw missing(input);
        }
        return value;
    }

    private void explicit(double[] row, int input, String level) {
        if (level == null) {
            encoders[input].encodeNA(row);
        } else if (!encoders[input].encodeCatValue(level, row)) {
            if (refuseUnseen) {
                throw unseen(input, level);
            }
            encoders[input].encodeNA(row);
        }
    }

    /** Sets an input from a CSV cell; null is an empty cell. */
    void text(Block block, int row, int input, String cell) {
        if (inputs[input].kind() == Input.Kind.CATEGORY) {
            boolean none = cell != null && cell.isEmpty() && !inputs[input].levels().contains("");
            category(block, row, input, none ? null : cell);
        } else {
            number(block, row, input, parse(input, cell));
        }
    }

    /** Reads a number from a CSV cell; NaN where there is none. */
    double parse(int input, String cell) {
        String text = cell == null ? "" : cell.strip();
        if (text.isEmpty() || text.equals("NA") || text.equals("NaN")) {
            return Double.NaN;
        }
        // Java also reads "1d" and "0x1p3", which nobody means.
        char last = text.charAt(text.length() - 1);
        if (last >= '0' && last <= '9' && text.indexOf('x') < 0 || last == '.' || last == 'y') {
            try {
                double number = Double.parseDouble(text);
                if (Double.isInfinite(number) && last != 'y') {
                    throw new BadRowException(inputs[input].name(), text + " is beyond all doubles");
                }
                return number;
            } catch (NumberFormatException e) {
                // Said below, with the field's name.
            }
        }
        throw new BadRowException(inputs[input].name(), "\"" + text + "\" is no number");
    }

    /** Sets an input from a JSON value. */
    void value(Block block, int row, int input, Object value) {
        boolean category = inputs[input].kind() == Input.Kind.CATEGORY;
        if (category && (value == null || value instanceof String)) {
            category(block, row, input, (String) value);
        } else if (!category && (value == null || value instanceof Double)) {
            number(block, row, input, value == null ? Double.NaN : (Double) value);
        } else {
            String expected = category ? "a text" : "a number";
            String reason = "expected " + expected + " or null, found " + Json.kind(value);
            throw new BadRowException(inputs[input].name(), reason);
        }
    }

    private BadRowException missing(int input) {
        return new BadRowException(inputs[input].name(), "missing, and the contract requires it");
    }

    private BadRowException unseen(int input, String level) {
        String reason =
                String.format(
                        "the model knows no level \"%s\" (it knows %d)",
                        level, inputs[input].levels().size());
        return new BadRowException(inputs[input].name(), reason);
    }
}
