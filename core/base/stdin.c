/*
** stdin.c - stands in for the C library's `stdin` in jansson's archive.
**
** Distributions compile libjansson.a for executables. Its json_loadf asks whether a stream is
** `stdin`, by an address that a shared library's link can't give to another library's
** variable. Nothing here calls json_loadf, so the linker is told (--wrap=stdin) to use this
** variable of our own instead.
*/

extern void *__wrap_stdin;
__attribute__((visibility("hidden"))) void *__wrap_stdin;
