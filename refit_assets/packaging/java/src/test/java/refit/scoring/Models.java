package refit.scoring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Models that the build put into the folder named by the property {@code models}. */
final class Models {
    private static final Path FOLDER = Path.of(System.getProperty("models", "models"));

    private Models() {}

    static List<Path> all() {
        try (Stream<Path> folders = Files.list(FOLDER)) {
            return folders.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException("run with -Dmodels=<folder of models>", e);
        }
    }

    /** Two classes, categories, missing values. */
    static Engine gbm() {
        return load(FOLDER.resolve("gbm_binomial"), Unseen.MISSING);
    }

    static Engine gbm(Unseen unseen) {
        return load(FOLDER.resolve("gbm_binomial"), unseen);
    }

    static ModelFiles files(Path folder) {
        return name -> {
            Path file = folder.resolve(name);
            return Files.exists(file) ? Files.newInputStream(file) : null;
        };
    }

    static ModelFiles gbmFiles() {
        return files(FOLDER.resolve("gbm_binomial"));
    }

    static Engine load(Path folder, Unseen unseen) {
        return Engine.load(files(folder), unseen);
    }
}
