package refit.scoring;

import hex.genmodel.MojoReaderBackend;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** The files of a MOJO in memory, for H2O's readers and for ours, as often as they like. */
final class MojoFiles implements MojoReaderBackend {
    private final Map<String, byte[]> files;
    private final String folder;

    private MojoFiles(Map<String, byte[]> files, String folder) {
        this.files = files;
        this.folder = folder;
    }

    static MojoFiles read(InputStream zip) throws IOException {
        Map<String, byte[]> files = new HashMap<>();
        ZipInputStream in = new ZipInputStream(zip);
        for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
            files.put(entry.getName(), in.readAllBytes());
        }
        return new MojoFiles(files, "");
    }

    /** The files of a model within this one, as ensembles have them. */
    MojoFiles inside(String name) {
        return new MojoFiles(files, folder + name);
    }

    /** The settings of the model, from the first section of {@code model.ini}. */
    Map<String, String> settings() throws IOException {
        Map<String, String> settings = new HashMap<>();
        BufferedReader lines = getTextFile("model.ini");
        String line = lines.readLine();
        while (line != null && !line.equals("[columns]")) {
            int at = line.indexOf(" = ");
            if (at > 0) {
                settings.put(line.substring(0, at), line.substring(at + 3));
            }
            line = lines.readLine();
        }
        return settings;
    }

    @Override
    public BufferedReader getTextFile(String name) throws IOException {
        return new BufferedReader(new InputStreamReader(
                new ByteArrayInputStream(getBinaryFile(name)), StandardCharsets.UTF_8));
    }

    @Override
    public byte[] getBinaryFile(String name) throws IOException {
        byte[] file = files.get(folder + name);
        if (file == null) {
            throw new FileNotFoundException(folder + name + " in the MOJO");
        }
        return file;
    }

    @Override
    public boolean exists(String name) {
        return files.containsKey(folder + name);
    }
}
