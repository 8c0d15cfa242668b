/* test_edits.c - core/text/edits.c: Strip and Prepend. */
#include "normalizing.h"

TEST("strip: white space goes from the ends that are asked for, and from no other place")
{
    static const normalizing_row rows[] = {
        {"{'type':'Strip','strip_left':true,'strip_right':true}", "  a b \n", "a b",
         "2-3 3-4 4-5"},
        {"{'type':'Strip','strip_left':true,'strip_right':false}", "  a b  ", "a b  ",
         "2-3 3-4 4-5 5-6 6-7"},
        {"{'type':'Strip','strip_left':false,'strip_right':true}", "  a  b  ", "  a  b",
         "0-1 1-2 2-3 3-4 4-5 5-6"},
        {"{'type':'Strip','strip_left':true,'strip_right':true}", " \xE3\x80\x80\xE2\x80\x83",
         "", ""},
        {"{'type':'Strip','strip_left':false,'strip_right':false}", " a ", " a ",
         "0-1 1-2 2-3"},
        {"{'type':'Strip','strip_left':false,'strip_right':true}", "a", "a", "0-1"},
    };
    CHECK_NORMALIZED(rows);
}

TEST("prepend: stands before the first character and is aligned to it; not in an empty text")
{
    static const normalizing_row rows[] = {
        {"{'type':'Prepend','prepend':'▁'}", "ab", "\xE2\x96\x81" "ab", "0-1 0-1 1-2"},
        {"{'type':'Prepend','prepend':'xy'}", " a", "xy a", "0-1 0-1 0-1 1-2"},
        {"{'type':'Prepend','prepend':'x'}", "", "", ""},
         {"{'type':'Sequence','normalizers':[{'type':'Strip','strip_left':true,'strip_rig"
         "ht':true},{'type':'Prepend','prepend':'_'}]}", "  ", "", ""},
         {"{'type':'Sequence','normalizers':[{'type':'NFC'},{'type':'Strip','strip_left':"
         "true,'strip_right':true},{'type':'Prepend','prepend':'_'}]}", "  e\xCC\x81 e ",
         "_\xC3\xA9 e", "2-3 2-3 4-5 5-6"},
    };
    CHECK_NORMALIZED(rows);
}

TEST("strip: an added token behind stripped white space keeps its place")
{
    static const char mask[] = "{'id':4,'content':'[MASK]','single_word':false,'lstrip':false,"
                               "'rstrip':false,'normalized':false,'special':true}";
    CHECK_STR(tokens_of(small_json("{'type':'Strip','strip_left':true,'strip_right':true}",
                                   NULL, NULL, mask), " the \xE3\x80\x80 [MASK] \n[MASK]"),
              "5:1-4/0 4:7-13/1 4:15-21/2");
}

TEST("prepend: what is put in front does not hide a word from a search in the text")
{
    enc_tokenizer *t = opened(small_json("{'type':'Prepend','prepend':'_'}", NULL, NULL, NULL));
    enc_arena arena = {0};
    enc_folded folded;
    REQUIRE(t);
    CHECK_INT(enc_tokenizer_fold(t, &arena, text_of("ab"), NULL, &folded, NULL), ENC_OK);
    CHECK_INT(folded.count, 2);
    CHECK_INT(folded.character[0], 'a');
    CHECK_STR(tokenized(t, "ab", 2), "1:0-2/0");
    enc_arena_destroy(&arena);
    enc_tokenizer_close(t);
}
