package refit.scoring;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.Reader;
import java.io.Writer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/** The commands of the runnable jar. */
public final class Main {
    private static final String USAGE = """
            usage: java -jar <this jar> score [in|-] [out|-] [options]   score CSV or JSON lines
                   java -jar <this jar> --self-test    score the golden rows, bits compared
                   java -jar <this jar> --about        where the model comes from, as JSON
                   java -jar <this jar> --inputs       its inputs, as JSON Schema
                   java -jar <this jar> --benchmark    rows a second on this machine
            options of score:
              --format=csv|jsonl        default: by the input's first character
              --pass-through            write the input's columns before the predictions
              --bad-rows=fail|skip      default: fail
              --unseen=missing|fail     levels that the model does not know; default: missing
              --quiet                   no progress, even on a terminal
            """;
    private static final int FINE = 0;
    private static final int BAD_ROW = 1;
    static final int BAD_CALL = 2;
    static final int BAD_MODEL = 3;

    private final ModelFiles files;
    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;

    Main(ModelFiles files, InputStream in, PrintStream out, PrintStream err) {
        this.files = files;
        this.in = in;
        this.out = out;
        this.err = err;
    }

    /**
     * Runs one command and ends the JVM: 0 fine, 1 bad row, 2 wrong call, 3 bad model.
     *
     * @param args the command and its options; without any, the usage is printed
     */
    public static void main(String[] args) {
        Main main = new Main(new JarFiles(), System.in, System.out, System.err);
        System.exit(main.run(args));
    }

    /** Runs one command and returns its exit code. */
    int run(String... args) {
        try {
            int ended = dispatch(args.length == 0 ? "" : args[0], List.of(args));
            checkWritten();
            return ended;
        } catch (BadRowException e) {
            err.println("bad row: " + e.getMessage());
            return BAD_ROW;
        } catch (BadModelException e) {
            err.println("bad model: " + e.getMessage());
            return BAD_MODEL;
        } catch (CharacterCodingException e) {
            err.println("can't read: the input is no UTF-8");
            return BAD_CALL;
        } catch (IOException e) {
            err.println("can't read or write: " + e);
            return BAD_CALL;
        }
    }

    /** A print stream keeps its failures to itself, such as a full disk or a reader that left. */
    private void checkWritten() throws IOException {
        if (out.checkError()) {
            throw new IOException("the output is closed, or its disk is full");
        }
    }

    private int dispatch(String command, List<String> args) throws IOException {
        switch (command) {
            case "score":
                return score(args.subList(1, args.size()));
            case "--self-test":
                return selfTest();
            case "--about":
                out.println(load(Unseen.MISSING).about().toJson());
                return FINE;
            case "--inputs":
                out.println(load(Unseen.MISSING).inputSchema());
                return FINE;
            case "--benchmark":
                new Benchmark(load(Unseen.MISSING), out).run();
                return FINE;
            default:
                err.print(USAGE);
                return command.equals("--help") ? FINE : BAD_CALL;
        }
    }

    private Engine load(Unseen unseen) {
        return Engine.load(files, unseen);
    }

    private int selfTest() {
        int rows = load(Unseen.MISSING).selfTest();
        out.println(rows > 0
                ? rows + " golden rows equal to the training cluster's predictions, to the last bit"
                : "parity not proven: this jar was built without the cluster's predictions");
        return FINE;
    }

    private int score(List<String> args) throws IOException {
        List<String> places = new ArrayList<>();
        ScoreCommand.Format format = null;
        Unseen unseen = Unseen.MISSING;
        boolean pass = false;
        boolean skip = false;
        boolean progress = complaintsReachATerminal();
        boolean known = true;
        for (String arg : args) {
            switch (arg) {
                case "--pass-through" -> pass = true;
                case "--bad-rows=skip" -> skip = true;
                case "--bad-rows=fail" -> skip = false;
                case "--unseen=fail" -> unseen = Unseen.FAIL;
                case "--unseen=missing" -> unseen = Unseen.MISSING;
                case "--format=csv" -> format = ScoreCommand.Format.CSV;
                case "--format=jsonl" -> format = ScoreCommand.Format.JSONL;
                case "--quiet" -> progress = false;
                default -> {
                    places.add(arg);
                    known &= !arg.startsWith("--");
                }
            }
        }
        if (places.size() > 2 || !known) {
            err.println("score does not know " + places);
            err.print(USAGE);
            return BAD_CALL;
        }
        String from = places.isEmpty() ? "-" : places.get(0);
        String to = places.size() < 2 ? "-" : places.get(1);
        ScoreCommand.Options options = new ScoreCommand.Options(format, pass, skip, progress);
        score(new ScoreCommand(load(unseen), options, err), from, to);
        return FINE;
    }

    /** Asks about the error stream alone where the system tells; a console needs input, too. */
    private static boolean complaintsReachATerminal() {
        try {
            String device = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return device.startsWith("/dev/pts/") || device.startsWith("/dev/tty");
        } catch (IOException | UnsupportedOperationException e) {
            return System.console() != null;
        }
    }

    /** A file appears under its name once it is whole; a failed one leaves nothing. */
    private void score(ScoreCommand command, String from, String to) throws IOException {
        try (Reader input = reader(from)) {
            if (to.equals("-")) {
                Writer output = new OutputStreamWriter(out, StandardCharsets.UTF_8) {
                    @Override
                    public void flush() throws IOException {
                        super.flush();
                        checkWritten();
                    }
                };
                command.run(input, output);
            } else {
                Path whole = Path.of(to).toAbsolutePath();
                Path part = whole.resolveSibling(whole.getFileName() + ".part");
                part.toFile().deleteOnExit(); // Ctrl-C runs no catch clause.
                try (BufferedWriter output = Files.newBufferedWriter(part)) {
                    command.run(input, output);
                } catch (IOException | RuntimeException e) {
                    Files.deleteIfExists(part);
                    throw e;
                }
                Files.move(part, whole, StandardCopyOption.REPLACE_EXISTING);
            }
        }
        if (command.skipped() > 0) {
            err.println(command.skipped() + " bad rows skipped");
        }
    }

    private Reader reader(String from) throws IOException {
        InputStream input = from.equals("-") ? in : Files.newInputStream(Path.of(from));
        // A decoder refuses what is no UTF-8; a reader made by the charset's name would replace it.
        return new BufferedReader(new InputStreamReader(input, StandardCharsets.UTF_8.newDecoder()));
    }
}
