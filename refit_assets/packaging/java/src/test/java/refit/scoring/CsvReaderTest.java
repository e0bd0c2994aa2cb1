package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** CSV texts, as other programs write them. */
class CsvReaderTest {
    private static String[][] rows(String text) throws IOException {
        CsvReader csv = new CsvReader(new StringReader(text));
        String[][] rows = new String[100][];
        int n = 0;
        for (String[] row = csv.next(); row != null; row = csv.next()) {
            rows[n++] = row;
        }
        return Arrays.copyOf(rows, n);
    }

    @Test
    void cellsQuotesAndAllLineEndsAreRead() throws IOException {
        String[][] expected = {{"a", "b"}, {"1,5", "x\"y\nz"}, {null, ""}, {"l", "m"}};
        String[][] found = rows("a,b\r\n\"1,5\",\"x\"\"y\nz\"\n,\"\"\rl,m");
        assertArrayEquals(expected, found);
    }

    @Test
    void aByteOrderMarkAndBlankLinesAreSkipped() throws IOException {
        assertArrayEquals(new String[][] {{"a"}, {"1"}}, rows("\uFEFFa\n\n\r\n1\n\n"));
    }

    @Test
    void linesAreCountedWithinQuotesToo() throws IOException {
        CsvReader csv = new CsvReader(new StringReader("a\n\"x\ny\"\n\nb\n"));
        csv.next();
        csv.next();
        assertEquals(2, csv.line());
        csv.next();
        assertEquals(5, csv.line());
        assertNull(csv.next());
    }

    @Test
    void cellsLongerThanTheBufferAreWhole() throws IOException {
        String longest = "x".repeat(200_000);
        assertEquals(longest, rows("a," + longest + ",\"" + longest + "\"")[0][1]);
        assertEquals(longest, rows("a," + longest + ",\"" + longest + "\"")[0][2]);
    }

    @Test
    void aReaderThatGivesLittleAtATimeMakesNoDifference() throws IOException {
        Reader slow = new StringReader("a,b\n\"c\r\nd\",e\r\n") {
            @Override
            public int read(char[] to, int at, int length) throws IOException {
                return super.read(to, at, 1);
            }
        };
        CsvReader csv = new CsvReader(slow);
        assertArrayEquals(new String[] {"a", "b"}, csv.next());
        assertArrayEquals(new String[] {"c\r\nd", "e"}, csv.next());
        assertNull(csv.next());
    }

    @Test
    void aQuoteThatIsNeverClosedAndTextAfterOneAreRefused() {
        assertThrows(BadRowException.class, () -> rows("\"a"));
        assertThrows(BadRowException.class, () -> rows("\"a\"b,c"));
    }

    @Test
    void afterAMalformedRowTheNextLineIsRead() throws IOException {
        String endless = "x".repeat(2_000_000);
        for (String malformed : new String[] {"\"a\"b,c", "\"" + endless, endless, "a," + endless}) {
            CsvReader csv = new CsvReader(new StringReader(malformed + "\nd,e\n"));
            assertThrows(BadRowException.class, csv::next);
            assertArrayEquals(new String[] {"d", "e"}, csv.next());
            assertEquals(2, csv.line());
        }
    }

    @Test
    void cellsAreQuotedWhereTheyMustBe() {
        StringBuilder out = new StringBuilder();
        for (String cell : new String[] {"a", "b,c", "d\"e", "f\rg", "", null}) {
            CsvReader.write(out, cell);
            out.append(';');
        }
        assertEquals("a;\"b,c\";\"d\"\"e\";\"f\rg\";\"\";;", out.toString());
    }
}
