package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Levels of a category by name. */
class LevelsTest {
    @Test
    void everyLevelHasItsNumberAndOthersHaveNone() {
        String[] names = new String[3000];
        for (int i = 0; i < names.length; i++) {
            names[i] = "level " + i;
        }
        Levels levels = new Levels(names);
        for (int i = 0; i < names.length; i++) {
            assertEquals(i, levels.code("level " + i));
        }
        assertEquals(Double.NaN, levels.code("level 3000"));
    }

    @Test
    void textsThatShareAHashAreKeptApart() {
        Levels levels = new Levels(new String[] {"AaAa", "BBBB", "AaBB"});
        assertEquals(0, levels.code("AaAa"));
        assertEquals(1, levels.code("BBBB"));
        assertEquals(2, levels.code("AaBB"));
        assertEquals(Double.NaN, levels.code("BBAa"));
    }

    @Test
    void aCategoryWithoutLevelsKnowsNone() {
        assertEquals(Double.NaN, new Levels(new String[0]).code(""));
    }
}
