/* What the programs need of the system, and Windows has under another name. */
#ifndef PORTABLE_H
#define PORTABLE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef _WIN32

#include <windows.h>
#include <aclapi.h>
#include <psapi.h>

static inline int tid(void) { return (int)GetCurrentThreadId(); }

static inline void pause(void) { Sleep(INFINITE); }

/* MinGW does not declare the function. */
static inline void own_thread_name(char *name, size_t size) {
    typedef HRESULT(WINAPI * describe_fn)(HANDLE, PWSTR *);
    describe_fn describe = (describe_fn)(void *)GetProcAddress(GetModuleHandleA("kernelbase.dll"), "GetThreadDescription");
    PWSTR wide = NULL;
    name[0] = '\0';
    if (describe == NULL || FAILED(describe(GetCurrentThread(), &wide)) || wide == NULL) return;
    WideCharToMultiByte(CP_UTF8, 0, wide, -1, name, (int)size, NULL, NULL);
    LocalFree(wide);
}

/* Whether the ready handle is signalled. */
static inline int readable(intptr_t handle) { return WaitForSingleObject((HANDLE)handle, 0) == WAIT_OBJECT_0; }

static inline bool process_runs(unsigned pid) {
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, pid);
    bool runs = process != NULL && WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
    if (process != NULL) CloseHandle(process);
    return runs;
}

/* Kilobytes of memory that this process has ("VmRSS:") or has had at most ("VmHWM:"). */
static inline long memory_kb(const char *field) {
    PROCESS_MEMORY_COUNTERS counters = {.cb = sizeof counters};
    if (!GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters)) return -1;
    return (long)((strcmp(field, "VmHWM:") == 0 ? counters.PeakWorkingSetSize : counters.WorkingSetSize) / 1024);
}

/* Folders of the library among the temporary files. */
static inline int private_folders(void) {
    char pattern[MAX_PATH];
    WIN32_FIND_DATAA found;
    snprintf(pattern, sizeof pattern, "%s\\claude-client-*", getenv("TEMP"));
    HANDLE search = FindFirstFileA(pattern, &found);
    int count = 0;
    if (search == INVALID_HANDLE_VALUE) return 0;
    do count++;
    while (FindNextFileA(search, &found));
    FindClose(search);
    return count;
}

/* Whether a file may be read by its owner, the system and administrators alone. */
static inline bool is_private(const char *path) {
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PSID owner = NULL;
    PACL list = NULL;
    bool is_private = true;
    CHECK(GetNamedSecurityInfoA(path, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner, NULL,
                                &list, NULL, &descriptor) == ERROR_SUCCESS);
    CHECK(list != NULL && list->AceCount > 0);
    for (DWORD i = 0; i < list->AceCount; i++) {
        ACCESS_ALLOWED_ACE *entry = NULL;
        CHECK(GetAce(list, i, (void **)&entry));
        PSID who = &entry->SidStart;
        bool is_ours = EqualSid(who, owner) || IsWellKnownSid(who, WinLocalSystemSid) ||
                       IsWellKnownSid(who, WinBuiltinAdministratorsSid) || IsWellKnownSid(who, WinCreatorOwnerRightsSid);
        is_private = is_private && (is_ours || entry->Header.AceType != ACCESS_ALLOWED_ACE_TYPE || entry->Mask == 0);
    }
    LocalFree(descriptor);
    return is_private;
}

/* A second process of this program. */
typedef PROCESS_INFORMATION started_t;

static inline started_t start_self(const char *self, const char *argument) {
    STARTUPINFOA startup = {.cb = sizeof startup};
    started_t started;
    char line[4096];
    snprintf(line, sizeof line, "\"%s\" %s", self, argument);
    CHECK(CreateProcessA(self, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &started));
    return started;
}

static inline void kill_started(started_t *started) {
    CHECK(TerminateProcess(started->hProcess, 9));
    CHECK(WaitForSingleObject(started->hProcess, INFINITE) == WAIT_OBJECT_0);
    CloseHandle(started->hProcess);
    CloseHandle(started->hThread);
}

/* Its exit code. */
static inline int wait_started(started_t *started) {
    DWORD code = 0;
    CHECK(WaitForSingleObject(started->hProcess, INFINITE) == WAIT_OBJECT_0);
    CHECK(GetExitCodeProcess(started->hProcess, &code));
    CloseHandle(started->hProcess);
    CloseHandle(started->hThread);
    return (int)code;
}

#else

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static inline int tid(void) { return (int)syscall(SYS_gettid); }

static inline void own_thread_name(char *name, size_t size) {
    if (pthread_getname_np(pthread_self(), name, size) != 0) name[0] = '\0';
}

static inline int readable(intptr_t handle) {
    struct pollfd watched = {(int)handle, POLLIN, 0};
    return poll(&watched, 1, 0);
}

static inline bool process_runs(unsigned pid) { return kill((pid_t)pid, 0) == 0 || errno != ESRCH; }

/* Kilobytes of the field of /proc/self/status, such as "VmHWM:". */
static inline long memory_kb(const char *field) {
    char line[256];
    long value = -1;
    FILE *status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    while (fgets(line, sizeof line, status))
        if (strncmp(line, field, strlen(field)) == 0) value = strtol(line + strlen(field), NULL, 10);
    fclose(status);
    return value;
}

/* Folders of the library among the temporary files. */
static inline int private_folders(void) {
    int count = 0;
    DIR *folder = opendir(getenv("TMPDIR"));
    CHECK(folder != NULL);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) count += strncmp(entry->d_name, "claude-client-", 14) == 0;
    closedir(folder);
    return count;
}

/* Whether a file may be read by its owner alone. */
static inline bool is_private(const char *path) {
    struct stat about;
    CHECK(stat(path, &about) == 0);
    return (about.st_mode & 077) == 0;
}

/* A second process of this program. */
typedef pid_t started_t;

static inline started_t start_self(const char *self, const char *argument) {
    extern char **environ;
    /* Behind the words of what runs it, an emulator of another processor. */
    char *arguments[16], *runner = getenv("CLAUDE_TESTS_RUNNER"), *words = strdup(runner != NULL ? runner : "");
    int count = 0;
    started_t started;
    CHECK(words != NULL);
    for (char *word = strtok(words, " "); word != NULL && count < 13; word = strtok(NULL, " ")) arguments[count++] = word;
    arguments[count++] = (char *)self;
    arguments[count++] = (char *)argument;
    arguments[count] = NULL;
    CHECK(posix_spawnp(&started, arguments[0], NULL, NULL, arguments, environ) == 0);
    free(words);
    return started;
}

static inline void kill_started(const started_t *started) {
    CHECK(kill(*started, SIGKILL) == 0);
    CHECK(waitpid(*started, NULL, 0) == *started);
}

/* Its exit code. */
static inline int wait_started(const started_t *started) {
    int status = 0;
    CHECK(waitpid(*started, &status, 0) == *started && WIFEXITED(status));
    return WEXITSTATUS(status);
}

#endif
#endif
