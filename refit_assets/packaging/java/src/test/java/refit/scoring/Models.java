package refit.scoring;

import hex.genmodel.GenModel;
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

    /** A model without golden rows whose trees do something else when they are to add leaves. */
    static Engine broken(Runnable failure) {
        ModelFiles files = name -> name.equals("golden.csv") ? null : gbmFiles().open(name);
        return Engine.load(files, Unseen.MISSING, (table, floats) -> new BrokenTrees(failure));
    }

    private record BrokenTrees(Runnable failure) implements Trees {
        @Override
        public Questions[] questions() {
            return new Questions[0];
        }

        @Override
        public Block block(GenModel model, int capacity) {
            return new Block(model, capacity, 0);
        }

        @Override
        public void answer(int group, double value, Block block, int row) {}

        @Override
        public void add(Block block, int rows) {
            failure.run();
        }

        @Override
        public String describe() {
            return "broken";
        }
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
