package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every model of the folder: cluster = MOJO = our path, bit for bit. */
class MatrixTest {
    private static final int ADVERSARIAL_ROWS = Integer.getInteger("adversarialRows", 20_000);

    @TestFactory
    Stream<DynamicTest> everyModelAnswersAsTheClusterDid() {
        return Models.all().stream().map(folder -> DynamicTest.dynamicTest(
                folder.getFileName().toString(), () -> assertEquals(List.of(), differences(folder))));
    }

    private static List<String> differences(Path folder) {
        Engine engine = Models.load(folder, Unseen.MISSING);
        ModelChecks checks = new ModelChecks(engine);
        System.out.println(folder.getFileName() + ": " + engine.kernel().describe());
        List<String> differences = new ArrayList<>();
        differences.addAll(checks.golden());
        differences.addAll(checks.adversarial(ADVERSARIAL_ROWS, 7));
        differences.addAll(checks.threads());
        return differences;
    }
}
