package refit.scoring;

import java.util.LinkedHashMap;
import java.util.Map;

/** Where a model comes from and how it is scored; the answer to "which model is this?". */
public final class About {
    private final Map<String, Object> facts;

    About(Map<String, Object> packaged, Map<String, Object> loaded) {
        Map<String, Object> all = new LinkedHashMap<>(packaged);
        all.putAll(loaded);
        facts = all;
    }

    /**
     * The model's version: contract major, contract minor, as-of date.
     *
     * @return the version under which the jar is published
     */
    public String version() {
        return get("version");
    }

    /**
     * How rows are scored.
     *
     * @return the name of the scoring path, and why it was chosen
     */
    public String scoringPath() {
        return get("scoring_path");
    }

    /**
     * One fact.
     *
     * @param name such as {@code mojo_sha256}, {@code contract_digest} or {@code algorithm}
     * @return its value as text, or null where the jar does not know it
     */
    public String get(String name) {
        Object value = facts.get(name);
        return value == null ? null : value.toString();
    }

    /**
     * All facts.
     *
     * @return a JSON object on one line
     */
    public String toJson() {
        StringBuilder out = new StringBuilder();
        Json.write(out, facts);
        return out.toString();
    }

    @Override
    public String toString() {
        return toJson();
    }
}
