/* hub_cache.c - see hub_cache.h. */
#include "hub_cache.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "memory.h"

static const char snapshots[] = "snapshots", branch[] = "refs/main";

enum { REVISION_LIMIT = 256 }; /* bytes of refs/main; a commit has 40 */

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* refs or blobs may be missing in a copy; a checkpoint has neither. */
bool enc_hub_is_folder(const char *path)
{
    char *list = enc_path_join(path, snapshots);
    bool is = list && is_folder(list) && !enc_file_exists(path, "config.json") &&
              !enc_file_exists(path, "modules.json") &&
              (enc_file_exists(path, "refs") || enc_file_exists(path, "blobs"));
    enc_free(list);
    return is;
}

/* What refs/main says, without the line's end; *out NULL where there is none. */
static int read_branch(const char *path, char **out, enc_error *err)
{
    char *data;
    size_t size;
    *out = NULL;
    if (!enc_file_exists(path, branch))
        return ENC_OK;
    int rc = enc_file_load(path, branch, REVISION_LIMIT, &data, &size, err);
    if (rc != ENC_OK)
        return rc;
    while (size > 0 && (unsigned char)data[size - 1] <= ' ')
        size--;
    *out = memchr(data, '\0', size) ? NULL : enc_copy_string(data, size);
    bool plain = *out && enc_path_is_inside(*out) && !strchr(*out, '/');
    if (!plain) {
        enc_free(*out);
        *out = NULL;
        rc = enc_fail(err, ENC_CORRUPT, "%s/%s must hold the name of a folder in %s",
                      enc_tail(path, ENC_TAIL), branch, snapshots);
    }
    enc_free(data);
    return rc;
}

/* The only folder in `list`. */
static int find_only(const char *path, const char *list, char **out, enc_error *err)
{
    DIR *stream = opendir(list);
    struct dirent *item;
    int count = 0;
    *out = NULL;
    while (stream && count < 2 && (item = readdir(stream))) {
        if (item->d_name[0] == '.')
            continue;
        enc_free(*out);
        *out = enc_copy_string(item->d_name, strlen(item->d_name));
        count++;
    }
    if (stream)
        closedir(stream);
    if (count == 1)
        return *out ? ENC_OK : enc_nomem(err);
    enc_free(*out);
    *out = NULL;
    return enc_fail(err, ENC_CANTOPEN, "'%s' has %s in %s and no %s; give the path of one of "
                    "them", enc_tail(path, ENC_TAIL), count ? "several folders" : "nothing",
                    snapshots, branch);
}

int enc_hub_snapshot(const char *path, char **out, enc_error *err)
{
    char *revision = NULL, *list = enc_path_join(path, snapshots);
    *out = NULL;
    int rc = list ? ENC_OK : enc_nomem(err);
    if (rc == ENC_OK && enc_hub_is_folder(path)) {
        rc = read_branch(path, &revision, err);
        if (rc == ENC_OK && !revision)
            rc = find_only(path, list, &revision, err);
        if (rc == ENC_OK)
            *out = enc_path_join(list, revision);
        if (rc == ENC_OK && !*out)
            rc = enc_nomem(err);
    }
    enc_free(revision);
    enc_free(list);
    return rc;
}
