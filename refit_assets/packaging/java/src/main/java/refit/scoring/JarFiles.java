package refit.scoring;

import java.io.InputStream;

/**
 * The files that lie beside these classes in their jar.
 *
 * <p>Nothing that a load needs is a lambda: the first one costs a cold JVM 30 ms.
 */
final class JarFiles implements ModelFiles {
    @Override
    public InputStream open(String name) {
        return JarFiles.class.getResourceAsStream(name);
    }
}
