package refit.scoring;

import hex.genmodel.MojoReaderBackend;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import java.util.zip.ZipException;

/**
 * The files of a MOJO in memory, for H2O's readers and for ours, as often as they like.
 *
 * <p>Each is inflated when it is read, and H2O's reader is not shown trees that are read here. The
 * JDK has this for archives on a disk only.
 */
final class MojoFiles implements MojoReaderBackend {
    private static final String TREES = "trees/";
    /** What contributions are computed from, and nothing else. */
    private static final String STATISTICS = "_aux.bin";
    private static final byte[] NOTHING = {};

    private static final int END = 0x06054b50; // "PK\5\6", the record that ends an archive
    private static final int END_BYTES = 22;
    private static final int ENTRY = 0x02014b50; // "PK\1\2", a file in the directory
    private static final int ENTRY_BYTES = 46;
    private static final int LOCAL_BYTES = 30;
    private static final int MOST_COMMENT = 0xFFFF;

    /** A file as the archive's directory has it; the sizes are in bytes. */
    private record Entry(boolean deflated, int crc, int packed, int size, int header) {}

    private final ByteBuffer zip;
    private final Map<String, Entry> entries;
    private final String folder;
    private final boolean trees;

    private MojoFiles(ByteBuffer zip, Map<String, Entry> entries, String folder, boolean trees) {
        this.zip = zip;
        this.entries = entries;
        this.folder = folder;
        this.trees = trees;
    }

    static MojoFiles read(InputStream zip) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(zip.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
        return new MojoFiles(bytes, directory(bytes), "", true);
    }

    /** The same, but that there are no trees. */
    MojoFiles withoutTrees() {
        return new MojoFiles(zip, entries, folder, false);
    }

    /** The files of a model within this one, as ensembles have them. */
    MojoFiles inside(String name) {
        return new MojoFiles(zip, entries, folder + name, trees);
    }

    private static Map<String, Entry> directory(ByteBuffer zip) throws ZipException {
        Map<String, Entry> entries = new HashMap<>();
        try {
            int at = zip.getInt(end(zip) + 16);
            while (zip.getInt(at) == ENTRY) {
                int name = zip.getChar(at + 28);
                byte[] text = new byte[name];
                zip.get(at + ENTRY_BYTES, text);
                Entry entry = new Entry(
                        zip.getChar(at + 10) != 0,
                        zip.getInt(at + 16),
                        zip.getInt(at + 20),
                        zip.getInt(at + 24),
                        zip.getInt(at + 42));
                entries.put(new String(text, StandardCharsets.UTF_8), entry);
                at += ENTRY_BYTES + name + zip.getChar(at + 30) + zip.getChar(at + 32);
            }
        } catch (IndexOutOfBoundsException e) {
            throw new ZipException("its zip archive is cut off");
        }
        return entries;
    }

    private static int end(ByteBuffer zip) throws ZipException {
        int last = zip.limit() - END_BYTES;
        for (int at = last; at >= 0 && at >= last - MOST_COMMENT; at--) {
            if (zip.getInt(at) == END) {
                return at;
            }
        }
        throw new ZipException("it is no whole zip archive");
    }

    private byte[] inflate(String name, Entry entry) throws ZipException {
        byte[] bytes = new byte[entry.size()];
        CRC32 crc = new CRC32();
        Inflater inflater = new Inflater(true);
        try {
            int at = entry.header();
            at += LOCAL_BYTES + zip.getChar(at + 26) + zip.getChar(at + 28);
            int inflated = bytes.length;
            if (entry.deflated()) {
                inflater.setInput(zip.array(), at, entry.packed());
                inflated = inflater.inflate(bytes);
            } else {
                zip.get(at, bytes);
            }
            crc.update(bytes);
            if (inflated != bytes.length || (int) crc.getValue() != entry.crc()) {
                throw new ZipException(name + " in the MOJO is damaged");
            }
        } catch (DataFormatException | RuntimeException e) {
            throw new ZipException(name + " in the MOJO is damaged: " + e);
        } finally {
            inflater.end();
        }
        return bytes;
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
        Entry entry = entries.get(folder + name);
        // Only who computes contributions reads the model that has them.
        if (entry == null && name.endsWith(STATISTICS)) {
            return NOTHING;
        }
        if (entry == null) {
            throw new FileNotFoundException(folder + name + " in the MOJO");
        }
        return inflate(folder + name, entry);
    }

    @Override
    public boolean exists(String name) {
        boolean hidden = !trees && (folder + name).contains(TREES);
        return entries.containsKey(folder + name) && !hidden;
    }
}
