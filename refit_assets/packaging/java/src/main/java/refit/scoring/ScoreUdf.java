package refit.scoring;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.api.java.UDF1;

/**
 * Scores a row of Spark: a struct of the model's inputs, by name, in any order; others are ignored.
 *
 * <p>The answer is a struct with the columns of the {@code score} command, {@code predict} first.
 * Register it by its name, with {@link #answerType} as its type:
 *
 * <pre>{@code
 * spark.udf().registerJava("score", ScoreUdf.class.getName(), DataType.fromDDL(ScoreUdf.answerType()));
 * }</pre>
 *
 * <p>Needs Spark at run time; nothing else in this jar does.
 */
public final class ScoreUdf implements UDF1<Row, Row> {
    private static final long serialVersionUID = 1;

    /** Where a row has the inputs; rows of one task share a schema. */
    private transient Places places;

    /** Makes a function; the model is loaded when the first row comes. */
    public ScoreUdf() {}

    /**
     * Scores one row.
     *
     * @param row a struct with all inputs; a null is a missing value
     * @return the answers, in the order of {@link #answerType}
     * @throws BadRowException if the row lacks a required value; names the field
     */
    @Override
    public Row call(Row row) {
        Engine engine = Loaded.ENGINE;
        Places at = places;
        Object schema = row.schema();
        if (at == null || at.schema != schema) {
            at = Places.of(row, engine.inputs());
            places = at;
        }
        Block block = engine.borrow();
        at.encode(row, block, engine);
        engine.score(block);
        Row answer = answer(engine.outputs(), engine.answers(block));
        engine.giveBack(block);
        return answer;
    }

    /**
     * Tells the type of the answer.
     *
     * @return a struct in Spark's DDL, such as {@code struct<`predict`:string,`p:no`:double>}
     */
    public static String answerType() {
        Outputs outputs = Loaded.ENGINE.outputs();
        List<String> fields = new ArrayList<>();
        for (String name : outputs.names()) {
            boolean label = fields.isEmpty() && outputs.hasLabel();
            fields.add("`" + name.replace("`", "``") + "`:" + (label ? "string" : "double"));
        }
        return "struct<" + String.join(",", fields) + ">";
    }

    private static Row answer(Outputs outputs, double[] answers) {
        Object[] values = new Object[outputs.width()];
        for (int i = 0; i < values.length; i++) {
            values[i] = outputs.json(answers, 0, i);
        }
        return RowFactory.create(values);
    }

    /** Spark makes a function anew for every task; a model is loaded once a class loader. */
    private static final class Loaded {
        static final Engine ENGINE = Engine.load(new JarFiles(), Unseen.MISSING);
    }

    /** Places of the inputs in rows of one schema; which is a StructType, and Scala's to compile. */
    private record Places(Object schema, int[] fields) {
        static Places of(Row row, List<Input> inputs) {
            int[] fields = new int[inputs.size()];
            for (int i = 0; i < fields.length; i++) {
                fields[i] = place(row, inputs.get(i).name());
            }
            return new Places(row.schema(), fields);
        }

        private static int place(Row row, String name) {
            try {
                return row.fieldIndex(name);
            } catch (IllegalArgumentException | UnsupportedOperationException e) {
                throw new BadRowException(name, "not among the names of the struct " + row);
            }
        }

        private static BadRowException wrongType(Input input, Object value) {
            boolean category = input.kind() == Input.Kind.CATEGORY;
            String expected = category ? "a string column" : "a column of numbers";
            String found = value.getClass().getSimpleName();
            return new BadRowException(input.name(), "expected " + expected + ", found " + found);
        }

        void encode(Row row, Block block, Engine engine) {
            Encoder encoder = engine.encoder();
            for (int i = 0; i < fields.length; i++) {
                Object value = row.get(fields[i]);
                boolean category = encoder.input(i).kind() == Input.Kind.CATEGORY;
                if (category && (value == null || value instanceof String)) {
                    encoder.category(block, 0, i, (String) value);
                } else if (!category && (value == null || value instanceof Number)) {
                    double number = value == null ? Double.NaN : ((Number) value).doubleValue();
                    encoder.number(block, 0, i, number);
                } else {
                    throw wrongType(encoder.input(i), value);
                }
            }
        }
    }
}
