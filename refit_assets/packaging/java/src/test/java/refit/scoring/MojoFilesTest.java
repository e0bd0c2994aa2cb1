package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;

/** A MOJO's archive, read file by file; broken ones are refused, and never half read. */
class MojoFilesTest {
    private static final byte[] TEXT = "no shorter when it is deflated".getBytes(StandardCharsets.UTF_8);

    private static byte[] mojo() throws IOException {
        try (InputStream in = Models.gbmFiles().open("model.mojo")) {
            return in.readAllBytes();
        }
    }

    private static MojoFiles read(byte[] zip) throws IOException {
        return MojoFiles.read(new ByteArrayInputStream(zip));
    }

    /** One file that is stored as it is, and a comment behind all. */
    private static byte[] stored(String name) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            out.setComment("by hand");
            ZipEntry entry = new ZipEntry(name);
            CRC32 crc = new CRC32();
            crc.update(TEXT);
            entry.setMethod(ZipEntry.STORED);
            entry.setSize(TEXT.length);
            entry.setCrc(crc.getValue());
            out.putNextEntry(entry);
            out.write(TEXT);
        }
        return bytes.toByteArray();
    }

    @Test
    void everyFileIsWhatTheJdksReaderReads() throws IOException {
        MojoFiles files = read(mojo());
        int n = 0;
        ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(mojo()));
        for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
            assertTrue(files.exists(entry.getName()));
            assertArrayEquals(in.readAllBytes(), files.getBinaryFile(entry.getName()), entry.getName());
            n++;
        }
        assertTrue(n > 10, n + " files");
    }

    @Test
    void aFileMayBeStoredAndLieInAFolder() throws IOException {
        MojoFiles files = read(stored("models/a.bin"));
        assertArrayEquals(TEXT, files.inside("models/").getBinaryFile("a.bin"));
        assertFalse(files.exists("a.bin"));
        assertThrows(FileNotFoundException.class, () -> files.getBinaryFile("a.bin"));
    }

    @Test
    void statisticsOfNodesMayBeMissing() throws IOException {
        MojoFiles trees = read(stored("trees/t00_000.bin"));
        assertEquals(0, trees.getBinaryFile("trees/t00_000_aux.bin").length);
        MojoFiles statistics = read(stored("trees/t00_000_aux.bin"));
        assertArrayEquals(TEXT, statistics.getBinaryFile("trees/t00_000_aux.bin"));
    }

    @Test
    void treesAreHiddenFromWhoDoesNotNeedThem() throws IOException {
        MojoFiles whole = read(stored("models/gbm/trees/t00_000.bin"));
        MojoFiles inside = whole.inside("models/gbm/");
        assertTrue(inside.exists("trees/t00_000.bin"));
        assertFalse(inside.withoutTrees().exists("trees/t00_000.bin"));
        assertFalse(whole.withoutTrees().inside("models/gbm/").exists("trees/t00_000.bin"));
    }

    @Test
    void anArchiveThatIsCutOffAnywhereIsRefused() throws IOException {
        byte[] zip = mojo();
        for (int length : new int[] {0, 21, zip.length / 2, zip.length - 1}) {
            byte[] cut = Arrays.copyOf(zip, length);
            assertThrows(ZipException.class, () -> read(cut), length + " bytes");
        }
        // Its end is there, its beginning is not: the directory is looked for where it was.
        byte[] tail = Arrays.copyOfRange(zip, zip.length - 100, zip.length);
        assertThrows(ZipException.class, () -> read(tail));
    }

    @Test
    void aDamagedByteIsFoundWhenItsFileIsRead() throws IOException {
        for (boolean deflated : new boolean[] {true, false}) {
            byte[] whole = deflated ? deflated("a.bin") : stored("a.bin");
            int first = 30 + "a.bin".length();
            for (int at = first; at < first + (deflated ? 20 : TEXT.length); at++) {
                byte[] zip = whole.clone();
                zip[at] ^= 4;
                MojoFiles files = read(zip);
                assertThrows(ZipException.class, () -> files.getBinaryFile("a.bin"), "byte " + at);
            }
        }
    }

    private static byte[] deflated(String name) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            out.putNextEntry(new ZipEntry(name));
            out.write(TEXT);
        }
        return bytes.toByteArray();
    }

    @Test
    void whoLoadsTheModelIsToldWhatIsDamaged() throws IOException {
        byte[] zip = mojo();
        Arrays.fill(zip, 40, zip.length / 2, (byte) 7);
        ModelFiles damaged = name -> name.equals("model.mojo")
                ? new ByteArrayInputStream(zip)
                : Models.gbmFiles().open(name);
        BadModelException refusal =
                assertThrows(BadModelException.class, () -> Engine.load(damaged, Unseen.MISSING));
        assertTrue(refusal.getMessage().contains(" in the MOJO is damaged"), refusal.getMessage());
    }
}
