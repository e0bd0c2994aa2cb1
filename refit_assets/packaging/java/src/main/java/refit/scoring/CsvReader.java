package refit.scoring;

import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.List;

/**
 * Comma-separated values after RFC 4180, a row at a time.
 *
 * <p>An empty cell is null; a quoted empty one is the empty text. A byte order mark is skipped.
 */
final class CsvReader {
    private static final int END = -1;
    /** A quote that is never closed, or a file of one line, would be read into memory whole. */
    private static final int MOST_CELL_CHARS = 1 << 20;

    private final Reader in;
    private final char[] buffer = new char[1 << 16];
    private int filled;
    private int at;
    private long line = 1;
    private long rowLine;
    private final List<String> cells = new ArrayList<>();
    private final StringBuilder cell = new StringBuilder();

    CsvReader(Reader in) throws IOException {
        this.in = in;
        if (peek() == '\uFEFF') {
            at++;
        }
    }

    /** Line on which the last row began; the header is line 1. */
    long line() {
        return rowLine;
    }

    /** Returns the next row, or null at the end. Blank lines are no rows. */
    String[] next() throws IOException {
        while (peek() == '\n' || peek() == '\r') {
            line += read() == '\n' ? 1 : 0;
        }
        if (peek() == END) {
            return null;
        }
        rowLine = line;
        cells.clear();
        do {
            cells.add(peek() == '"' ? quoted() : bare());
        } while (endOfCell());
        return cells.toArray(new String[0]);
    }

    /** Whether another cell of the row follows. */
    private boolean endOfCell() throws IOException {
        int c = read();
        if (c == '\r' && peek() == '\n') {
            c = read();
        }
        if (c == ',') {
            return true;
        }
        if (c == '\n' || c == '\r') {
            line++;
        } else if (c != END) {
            throw bad("expected a comma after a closing quote, found '" + (char) c + "'");
        }
        return false;
    }

    /** The row is lost; the next one begins on the next line. */
    private BadRowException bad(String reason) throws IOException {
        int c = read();
        while (c != '\n' && c != END) {
            c = read();
        }
        line++;
        return new BadRowException("row", reason);
    }

    private String bare() throws IOException {
        cell.setLength(0);
        while (true) {
            int begin = at;
            while (at < filled && ordinary(buffer[at])) {
                at++;
            }
            cell.append(buffer, begin, at - begin);
            if (cell.length() > MOST_CELL_CHARS) {
                throw bad("a cell of more than " + MOST_CELL_CHARS + " characters");
            } else if (at < filled || peek() == END) {
                return cell.isEmpty() ? null : cell.toString();
            }
        }
    }

    private static boolean ordinary(char c) {
        return c != ',' && c != '\n' && c != '\r';
    }

    private String quoted() throws IOException {
        cell.setLength(0);
        read();
        while (true) {
            int c = read();
            if (c == END || cell.length() == MOST_CELL_CHARS) {
                throw bad("a quote is never closed, or within " + MOST_CELL_CHARS + " characters");
            } else if (c == '"') {
                if (peek() != '"') {
                    return cell.toString();
                }
                read();
            } else if (c == '\n') {
                line++;
            }
            cell.append((char) c);
        }
    }

    private int peek() throws IOException {
        if (at == filled) {
            filled = Math.max(0, in.read(buffer));
            at = 0;
        }
        return at < filled ? buffer[at] : END;
    }

    private int read() throws IOException {
        int c = peek();
        at += c == END ? 0 : 1;
        return c;
    }

    /** Appends a cell, quoted where it must be; null is an empty cell. */
    static void write(StringBuilder out, String value) {
        if (value == null) {
            return;
        }
        boolean quote = value.isEmpty();
        for (int i = 0; i < value.length() && !quote; i++) {
            quote = "\",\r\n".indexOf(value.charAt(i)) >= 0;
        }
        if (quote) {
            out.append('"').append(value.replace("\"", "\"\"")).append('"');
        } else {
            out.append(value);
        }
    }
}
