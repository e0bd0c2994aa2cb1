package refit.scoring;

import hex.genmodel.GenModel;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

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

    static ModelFiles files(String model) {
        return files(FOLDER.resolve(model));
    }

    static ModelFiles gbmFiles() {
        return files("gbm_binomial");
    }

    /** The same files, but for the text of one. */
    static ModelFiles changed(ModelFiles files, String file, UnaryOperator<String> change) {
        return name -> name.equals(file)
                ? new ByteArrayInputStream(change.apply(files.text(name)).getBytes(StandardCharsets.UTF_8))
                : files.open(name);
    }

    /** The same files, but for one text within the MOJO. */
    static ModelFiles changedInMojo(ModelFiles files, String file, UnaryOperator<String> change) {
        return name -> {
            if (!name.equals("model.mojo")) {
                return files.open(name);
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (ZipInputStream in = new ZipInputStream(files.open(name)); ZipOutputStream out = new ZipOutputStream(bytes)) {
                for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                    out.putNextEntry(new ZipEntry(entry.getName()));
                    String text = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
                    String written = entry.getName().equals(file) ? change.apply(text) : text;
                    out.write(written.getBytes(StandardCharsets.ISO_8859_1));
                }
            }
            return new ByteArrayInputStream(bytes.toByteArray());
        };
    }

    static Engine load(Path folder, Unseen unseen) {
        return Engine.load(files(folder), unseen);
    }
}
