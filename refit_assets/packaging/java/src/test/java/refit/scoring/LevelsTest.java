package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.List;
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

    /** Texts of one to five characters that share hash and length, or differ in one character. */
    @Test
    void everyCharacterCounts() {
        for (String level : List.of("", "a", "ab", "Aa", "abc", "AaB", "abcd", "abcAa", "\u20ac", "a\u20acc")) {
            Levels levels = new Levels(new String[] {level});
            assertEquals(0, levels.code(new String(level)), level);
            for (int i = 0; i < level.length(); i++) {
                char[] other = level.toCharArray();
                other[i] += 1;
                assertEquals(Double.NaN, levels.code(new String(other)), level + " at " + i);
            }
            assertEquals(Double.NaN, levels.code(level + "x"), level);
        }
        assertEquals(Double.NaN, new Levels(new String[] {"Aa"}).code("BB"));
        assertEquals(Double.NaN, new Levels(new String[] {"AaB"}).code("BBB"));
        assertEquals(Double.NaN, new Levels(new String[] {"xAa"}).code("xBB"));
        assertEquals(Double.NaN, new Levels(new String[] {"abcAa"}).code("abcBB"));
    }

    @Test
    void aLevelHasOneObjectAndOtherTextsStayWhatTheyAre() {
        Levels levels = new Levels(new String[] {"Aa", "AaBB", "a level of many characters"});
        for (String level : levels.inOrder()) {
            assertEquals(level, levels.own(new String(level)));
            assertSame(levels.own(level), levels.own(new String(level)));
        }
        String other = new String("BB");
        assertSame(other, levels.own(other));
    }

    @Test
    void aCategoryWithoutLevelsKnowsNone() {
        assertEquals(Double.NaN, new Levels(new String[0]).code(""));
    }
}
