package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
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

    private static List<String> differences(Path folder) throws IOException {
        Engine engine = Models.load(folder, Unseen.MISSING);
        System.out.println(folder.getFileName() + ": " + engine.kernel().describe());
        List<String> differences = differences(engine);
        differences.addAll(contributions(folder, engine));
        // The models here are small: how large trees are laid out has to be asked for.
        Engine walked = Engine.load(Models.files(folder), Unseen.MISSING, BitTrees::new);
        if (!walked.kernel().describe().equals(engine.kernel().describe())) {
            differences.addAll(differences(walked));
        }
        return differences;
    }

    /** What the cluster told of the golden rows, where it told something. */
    private static List<String> contributions(Path folder, Engine engine) throws IOException {
        List<String> differences = new ArrayList<>();
        Path file = folder.resolve("contributions.csv");
        if (!Files.exists(file)) {
            return differences;
        }
        GoldenRows golden = engine.goldenRows();
        try (BufferedReader in = Files.newBufferedReader(file)) {
            CsvReader reader = new CsvReader(in);
            List<String> names = List.of(reader.next());
            Block block = engine.borrow();
            for (int row = 0; row < golden.size(); row++) {
                String[] cells = reader.next();
                golden.encode(row, block, 0);
                Map<String, Double> found = engine.contributions(block);
                assertEquals(names, List.copyOf(found.keySet()));
                List<Double> expected = Arrays.stream(cells).map(Double::valueOf).toList();
                if (!expected.equals(List.copyOf(found.values()))) {
                    differences.add("contributions of row " + row + ": expected " + expected + ", found " + found);
                }
            }
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
