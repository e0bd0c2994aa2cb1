package refit.scoring;

import java.io.IOException;
import java.io.Reader;
import java.util.Map;

/** Rows of JSON lines: an object a line, keys named as the inputs; others are ignored. */
final class JsonRows implements RowSource {
    private static final String[] NONE = {};
    private static final String[] WHOLE = {"input"};
    /** A file of one line would be read into memory whole. */
    private static final int MOST_CHARS = 8 << 20;

    private final Reader in;
    private final char[] buffer = new char[1 << 16];
    private int filled;
    private int at;
    private final Encoder encoder;
    private final boolean pass;
    private final StringBuilder characters = new StringBuilder();
    private String text;
    private Map<String, Object> row;
    private long line;

    JsonRows(Reader in, Encoder encoder, boolean pass) {
        this.in = in;
        this.encoder = encoder;
        this.pass = pass;
    }

    @Override
    public boolean next() throws IOException {
        do {
            line++;
            text = readLine();
        } while (text != null && text.isBlank());
        if (text == null) {
            return false;
        }
        try {
            row = Json.object(Json.parse(text));
        } catch (IllegalArgumentException e) {
            throw new BadRowException("row", e.getMessage());
        }
        return true;
    }

    /** The next line; null at the end. One that is too long is read to its end, and refused. */
    private String readLine() throws IOException {
        characters.setLength(0);
        do {
            if (at == filled) {
                filled = Math.max(0, in.read(buffer));
                at = 0;
            }
            int begin = at;
            while (at < filled && buffer[at] != '\n') {
                at++;
            }
            if (characters.length() <= MOST_CHARS) {
                characters.append(buffer, begin, at - begin);
            }
        } while (at == filled && filled > 0);
        if (filled == 0 && characters.isEmpty()) {
            return null;
        }
        at = Math.min(at + 1, filled);
        if (characters.length() > MOST_CHARS) {
            throw new BadRowException("row", "more than " + MOST_CHARS + " characters");
        }
        boolean marked = line == 1 && characters.length() > 0 && characters.charAt(0) == '\uFEFF';
        return characters.substring(marked ? 1 : 0);
    }

    @Override
    public void encode(Block block, int to) {
        encode(encoder, row, block, to);
    }

    /** Encodes an object; a key that is absent is a missing value. */
    static void encode(Encoder encoder, Map<String, Object> row, Block block, int to) {
        for (int i = 0; i < encoder.size(); i++) {
            encoder.value(block, to, i, row.get(encoder.input(i).name()));
        }
    }

    @Override
    public long line() {
        return line;
    }

    @Override
    public String[] passed() {
        return pass ? new String[] {text.strip()} : NONE;
    }

    @Override
    public String[] passedNames() {
        return pass ? WHOLE : NONE;
    }
}
