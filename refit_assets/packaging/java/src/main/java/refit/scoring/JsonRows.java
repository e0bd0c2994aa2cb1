package refit.scoring;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.util.Map;

/** Rows of JSON lines: an object a line, keys named as the inputs; others are ignored. */
final class JsonRows implements RowSource {
    private static final String[] NONE = {};
    private static final String[] WHOLE = {"input"};

    private final BufferedReader in;
    private final Encoder encoder;
    private final boolean pass;
    private String text;
    private Map<String, Object> row;
    private long line;

    JsonRows(Reader in, Encoder encoder, boolean pass) {
        this.in = new BufferedReader(in, 1 << 16);
        this.encoder = encoder;
        this.pass = pass;
    }

    @Override
    public boolean next() throws IOException {
        do {
            text = in.readLine();
            line++;
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
