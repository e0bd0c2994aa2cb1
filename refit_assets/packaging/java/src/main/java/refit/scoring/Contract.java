package refit.scoring;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The input contract, as it lies in the jar and as JSON Schema. */
final class Contract {
    private Contract() {}

    /** Reads {@code contract.json}. */
    static List<Input> inputs(String json) {
        List<Input> inputs = new ArrayList<>();
        for (Object element : Json.list(Json.object(Json.parse(json)).get("columns"))) {
            Map<String, Object> column = Json.object(element);
            inputs.add(new Input(
                    (String) column.get("name"),
                    Input.Kind.valueOf(((String) column.get("kind")).toUpperCase(Locale.ROOT)),
                    (String) column.get("type"),
                    (Boolean) column.get("required"),
                    List.of(),
                    (String) column.get("minimum"),
                    (String) column.get("maximum"),
                    (String) column.get("description")));
        }
        return inputs;
    }

    /** Describes a row as a JSON Schema (draft 2020-12), for whoever writes the callers. */
    static String schema(About about, List<Input> inputs) {
        Map<String, Object> properties = new LinkedHashMap<>();
        List<Object> required = new ArrayList<>();
        for (Input input : inputs) {
            properties.put(input.name(), property(input));
            if (input.required()) {
                required.add(input.name());
            }
        }
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.put("title", about.get("name") + " " + about.version());
        schema.put("description", about.get("description"));
        schema.put("type", "object");
        schema.put("properties", properties);
        schema.put("required", required);
        StringBuilder out = new StringBuilder();
        Json.write(out, schema);
        return out.toString();
    }

    private static Map<String, Object> property(Input input) {
        Map<String, Object> property = new LinkedHashMap<>();
        boolean category = input.kind() == Input.Kind.CATEGORY;
        String type = category ? "string" : "number";
        property.put("type", input.required() ? type : List.of(type, "null"));
        if (!input.description().isEmpty()) {
            property.put("description", input.description());
        }
        putNumber(property, "minimum", input.minimum());
        putNumber(property, "maximum", input.maximum());
        if (category) {
            // Not "enum": under Unseen.MISSING other levels are scored as missing values.
            property.put("x-levels", input.levels());
        }
        property.put("x-type", input.type());
        return property;
    }

    private static void putNumber(Map<String, Object> property, String key, String exact) {
        if (exact != null) {
            property.put(key, new java.math.BigDecimal(exact));
        }
    }
}
