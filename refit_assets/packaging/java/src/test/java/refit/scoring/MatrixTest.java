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
        System.out.println(folder.getFileName() + ": " + engine.kernel().describe());
        List<String> differences = differences(engine);
        // The models here are small: how large trees are laid out has to be asked for.
        Engine walked = Engine.load(Models.files(folder), Unseen.MISSING, BitTrees::new);
        if (!walked.kernel().describe().equals(engine.kernel().describe())) {
            differences.addAll(differences(walked));
        }
        return differences;
    }

    private static List<String> differences(Engine engine) {
        ModelChecks checks = new ModelChecks(engine);
        List<String> differences = new ArrayList<>();
        differences.addAll(checks.golden());
        differences.addAll(checks.adversarial(ADVERSARIAL_ROWS, 7));
        differences.addAll(checks.threads());
        return differences;
    }
}
