# shellcheck shell=bash
# Completion of teachroot(1) for bash.

# The numbers of the lessons, and the names of the labs: first words of the lines the program lists.
_teachroot_lessons() {
    teachroot lessons 2>/dev/null | sed -n 's/^ *\([0-9][0-9]*\)[ .:].*/\1/p'
}
_teachroot_labs() {
    teachroot lab ls 2>/dev/null | sed -n 's/^\([a-z0-9-][a-z0-9-]*\)\( .*\)\{0,1\}$/\1/p'
}

_teachroot() {
    local word=$2 previous=$3 verb='' i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        # What follows -- is a command for the lab, completed as any other.
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            mapfile -t COMPREPLY < <(compgen -c -f -- "$word")
            return
        fi
        [[ -n $verb || ${COMP_WORDS[i]} == -* ]] || verb=${COMP_WORDS[i]}
    done
    if [[ $verb == report && $previous == --format ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'text csv json md' -- "$word")
        return
    fi
    if [[ ( $verb =~ ^(transcript|adopt)$ && ( $previous == -o || $previous == --output ) ) || ( $verb == adopt && $word != -* && $previous != --timeout ) ||
        ( $verb == progress && ( $previous == export || $previous == import ) ) ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    fi
    [[ $previous != --timeout && $previous != --speed ]] || return 0
    if [[ $previous == --theme ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'dark light contrast' -- "$word")
        return
    elif [[ $previous == --share-group ]]; then
        mapfile -t COMPREPLY < <(compgen -g -- "$word")
        return
    elif [[ $previous == --share || ($verb == notes || $verb == follow) && $word != -* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    fi

    if [[ $verb == top && ( $previous == --scope || $previous == -s ) ]]; then
        compopt -o nospace
        mapfile -t COMPREPLY < <(compgen -W 'host lab lab: container: cgroup:' -- "$word")
        return
    fi

    local words='' lesson=''
    case $verb in
    '')
        words='demo notes follow play test adopt notebook kernel lessons transcript review progress report doctor lab image explain top help'
        words+=' --plain --ascii --theme --rootless --offline --no-journal --help --version'
        lesson=1
        ;;
    top) words='--scope --delay --cgroups --tree --count --once --ascii --help' ;;
    demo)
        words='--prepare --speed --each --instant --theme --share --share-group --ascii --rootless --offline --help' lesson=1
        ;;
    notes) words='--theme --ascii --help' ;;
    follow) words='--ascii --help' ;;
    adopt) words='--output --force --no-run --dry-run --timeout --rootless --offline --help' ;;
    play | test)
        case $previous in
        --format)
            words='text tap json junit'
            [[ $verb == test ]] || words+=' md html cast ipynb'
            ;;
        --cast-version) words='2 3' ;;
        -o | --output)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -d -- "$word")
            return
            ;;
        *)
            words='--format --output --annotations --from --until --only --keep-going --timeout --speed --record-redact'
            words+=' --cast-version --keep --shell --rootless --offline --help'
            [[ $verb == play ]] || words+=' --lint --strict --watch'
            lesson=1
            ;;
        esac
        ;;
    notebook) words='--output --help' lesson=1 ;;
    kernel)
        case $previous in
        kernel) words='install -f --help' ;;
        install) words='--user --prefix' ;;
        --prefix | -f)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            ;;
        esac
        ;;
    lessons) words='--json --help' ;;
    transcript) words='--output --help' lesson=1 ;;
    review) words='--help' lesson=1 ;;
    progress)
        case $previous in
        progress) words='show export import forget --help' ;;
        forget) words=$(_teachroot_lessons) ;;
        esac
        ;;
    report)
        words='--format --help'
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        ;;
    doctor) words='--json --no-lab --help' ;;
    help) words='demo notes follow play test adopt notebook kernel lessons transcript review progress report doctor lab image explain top' ;;
    explain) mapfile -t COMPREPLY < <(compgen -c -f -W --help -- "$word") ;;
    image)
        if [[ $previous == image ]]; then
            words='from-rootfs from-host import load save ls gc fsck --help'
        else
            words='--change --message --input --output --help'
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
        fi
        ;;
    lab)
        case $previous in
        lab) words='ls enter reset rm gc' ;;
        enter | --new | --rootless | --offline) words="--new --rootless --offline $(_teachroot_labs)" ;;
        reset | rm) words=$(_teachroot_labs) ;;
        esac
        ;;
    esac
    if [[ -n $lesson && $word != -* ]]; then
        words+=" $(_teachroot_lessons)"
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -X '!*.md' -- "$word"; compgen -d -- "$word")
    fi
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _teachroot teachroot
