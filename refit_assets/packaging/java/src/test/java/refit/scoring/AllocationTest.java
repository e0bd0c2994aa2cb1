package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Bytes that scoring a row allocates, by the JVM's own count; the typed prediction comes on top. */
class AllocationTest {
    private static final int ROWS = 20_000;
    private static final int MOST_BYTES_A_ROW = 8;

    @TestFactory
    DynamicTest[] aFastPathAllocatesNextToNothingForARow() {
        return Models.all().stream()
                .map(folder -> DynamicTest.dynamicTest(folder.getFileName().toString(), () -> {
                    Engine engine = Models.load(folder, Unseen.MISSING);
                    bytes(engine, 10); // The first row makes the thread's block.
                    double each = (double) bytes(engine, ROWS) / ROWS;
                    assertTrue(each <= MOST_BYTES_A_ROW, each + " bytes a row");
                }))
                .toArray(DynamicTest[]::new);
    }

    private static long bytes(Engine engine, int rows) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().getId();
        long before = threads.getThreadAllocatedBytes(self);
        for (int r = 0; r < rows; r++) {
            Block block = engine.borrow();
            for (int i = 0; i < engine.encoder().size(); i++) {
                if (engine.encoder().input(i).kind() == Input.Kind.CATEGORY) {
                    engine.encoder().category(block, 0, i, "2.0");
                } else {
                    engine.encoder().number(block, 0, i, r);
                }
            }
            engine.score(block);
            engine.answers(block);
            engine.giveBack(block);
        }
        return threads.getThreadAllocatedBytes(self) - before;
    }
}
