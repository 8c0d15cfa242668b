/*
** search.h - the folders where a name may find its checkpoint.
**
** In order: the folders of CONTEXTUAL_PATH (separated by colons), `models` beside the
** library, and `contextual/models` in the user's data folder. Only the administrator's
** environment and the place of the library decide what is opened here; SQL gives names,
** never paths.
*/
#ifndef CTX_SEARCH_H
#define CTX_SEARCH_H

/* Notes where the library lies, before the process changes its working directory. Called
** under ctx_process_lock, works once. */
void ctx_search_locate_library(void);

enum { CTX_NAME_MOST = 255 }; /* bytes of a model's name; what file systems take */

/* Whether `name` can be looked for: not empty, no separator, no leading dot, no control
** character, no '@', at most CTX_NAME_MOST bytes. */
int ctx_search_name_valid(const char *name);

/* The path with $HOME in place of a "~" that stands for a folder at its beginning, to be freed
** with sqlite3_free; NULL: out of memory. */
char *ctx_search_expand(const char *path);

/* The path of the first checkpoint of that name, a folder NAME or a file NAME.contextual or
** NAME.gguf: *path is NULL if there is none, else to be freed with sqlite3_free. SQLITE_OK or
** SQLITE_NOMEM. */
int ctx_search_find(const char *name, char **path);

typedef struct ctx_found {
    char *name;
    char *path;
} ctx_found;

/* Every checkpoint on the search path, a name once (the first wins), each folder's sorted.
** SQLITE_OK or SQLITE_NOMEM; free with ctx_search_free. */
int ctx_search_list(ctx_found **out, int *count);
void ctx_search_free(ctx_found *list, int count);

#endif
