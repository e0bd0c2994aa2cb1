package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The contract as JSON Schema: what is required, what may be null, and between which limits. */
class ContractTest {
    private static Map<String, Object> schema(String from, String to) {
        ModelFiles files = Models.changed(Models.gbmFiles(), "contract.json", text -> text.replaceFirst(from, to));
        return Json.object(Json.parse(Engine.load(files, Unseen.MISSING).inputSchema()));
    }

    private static Map<String, Object> age(Map<String, Object> schema) {
        return Json.object(Json.object(schema.get("properties")).get("AGE"));
    }

    @Test
    void whatIsRequiredIsListedAndNeverNull() {
        Map<String, Object> schema = schema("\"required\": false", "\"required\": true");
        assertEquals(List.of("AGE"), schema.get("required"));
        assertEquals("number", age(schema).get("type"));
    }

    @Test
    void whatIsNotRequiredMayBeNull() {
        Map<String, Object> schema = schema("$^", "");
        assertEquals(List.of(), schema.get("required"));
        assertEquals(List.of("number", "null"), age(schema).get("type"));
        assertFalse(age(schema).containsKey("minimum"));
    }

    @Test
    void limitsAreNumbersAsTheContractWritesThem() {
        assertEquals(-0.125, age(schema("\"minimum\": null", "\"minimum\": \"-0.125\"")).get("minimum"));
    }
}
