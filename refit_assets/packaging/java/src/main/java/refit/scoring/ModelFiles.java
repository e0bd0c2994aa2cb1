package refit.scoring;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** The files that make a model: {@code model.mojo}, {@code contract.json} and so on. */
@FunctionalInterface
interface ModelFiles {
    /** Opens a file of that name; null if there is none. */
    InputStream open(String name) throws IOException;

    /** Reads a whole file as text. */
    default String text(String name) {
        try (InputStream in = required(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new BadModelException(name + " can't be read from this jar: build it again", e);
        }
    }

    /** Opens a file that every model has. */
    default InputStream required(String name) throws IOException {
        InputStream in = open(name);
        if (in == null) {
            throw new BadModelException(name + " is missing from this jar: build it again");
        }
        return in;
    }
}
