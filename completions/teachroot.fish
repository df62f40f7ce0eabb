# Completion of teachroot(1) for fish.

function __teachroot_lessons
    teachroot lessons 2>/dev/null | string replace -rf '^ *([0-9]+)[ .:] *(.*)' '$1\t$2'
    __fish_complete_suffix .md
end

function __teachroot_labs
    teachroot lab ls 2>/dev/null | string replace -rf '^([a-z0-9-]+)( .*)?$' '$1'
end

set -l verbs demo notes follow play test adopt notebook kernel lessons transcript review progress report doctor lab image explain top help
set -l first "not __fish_seen_subcommand_from $verbs"
set -l playing '__fish_seen_subcommand_from play test'
set -l demo '__fish_seen_subcommand_from demo'

complete -c teachroot -f
complete -c teachroot -n $first -a demo -d 'Show a lesson on the projector'
complete -c teachroot -n $first -a notes -d "The presenter's notes"
complete -c teachroot -n $first -a follow -d "See somebody else's session"
complete -c teachroot -n $first -a play -d 'Play lessons without a terminal'
complete -c teachroot -n $first -a test -d 'Play lessons and prove their checks'
complete -c teachroot -n $first -a adopt -d 'Make a lesson of a README'
complete -c teachroot -n $first -a notebook -d 'A lesson as a Jupyter notebook'
complete -c teachroot -n $first -a kernel -d 'A Jupyter kernel: notebook cells in a lab'
complete -c teachroot -n '__fish_seen_subcommand_from kernel; and not __fish_seen_subcommand_from install' -a install -d 'Tell Jupyter of it'
complete -c teachroot -n '__fish_seen_subcommand_from kernel; and not __fish_seen_subcommand_from install' -s f -r -d 'Serve a connection'
complete -c teachroot -n '__fish_seen_subcommand_from kernel; and __fish_seen_subcommand_from install' -l user -d 'For yourself alone'
complete -c teachroot -n '__fish_seen_subcommand_from kernel; and __fish_seen_subcommand_from install' -l prefix -r -d 'Below a directory'
complete -c teachroot -n $first -a lessons -d 'List the lessons'
complete -c teachroot -n $first -a transcript -d 'What you typed in a lesson, as Markdown'
complete -c teachroot -n $first -a review -d 'What each step of a lesson has shown'
complete -c teachroot -n $first -a progress -d 'How far you are, as a file'
complete -c teachroot -n $first -a report -d 'How far many learners are'
complete -c teachroot -n $first -a doctor -d 'Say what this machine can do'
complete -c teachroot -n $first -a lab -d 'List, enter, reset and remove labs'
complete -c teachroot -n $first -a image -d 'Images that every lab sees'
complete -c teachroot -n $first -a explain -d 'Say what the words of a line mean'
complete -c teachroot -n $first -a top -d 'Show processes and cgroups, live'
complete -c teachroot -n $first -a help -d 'Say how a verb is used'
complete -c teachroot -n $first -l plain -d 'No panes'
complete -c teachroot -n $first -l ascii -d 'ASCII characters only'
complete -c teachroot -n $first -l no-journal -d 'Write down nothing of what is typed'
complete -c teachroot -n $first -l help -d 'How it is used'
complete -c teachroot -n $first -l version -d 'Print the version'
complete -c teachroot -n "$first; or __fish_seen_subcommand_from demo notes" -l theme -x -a 'dark light contrast' -d 'What to draw on'
complete -c teachroot -n "$first; or $playing; or $demo" -l rootless -d 'Make the lab as an ordinary user would'
complete -c teachroot -n "$first; or $playing; or $demo" -l offline -d 'No network in the lab'
complete -c teachroot -n '__fish_seen_subcommand_from notebook transcript review' -k -a '(__teachroot_lessons)'
complete -c teachroot -n '__fish_seen_subcommand_from notebook transcript' -s o -l output -r -d 'Write to a file'
complete -c teachroot -n '__fish_seen_subcommand_from report' -l format -x -a 'text csv json md' -d 'Form of the report'
complete -c teachroot -n '__fish_seen_subcommand_from report' -F
set -l progress_verbs show export import forget
complete -c teachroot -n "__fish_seen_subcommand_from progress; and not __fish_seen_subcommand_from $progress_verbs" -a "$progress_verbs"
complete -c teachroot -n '__fish_seen_subcommand_from progress; and __fish_seen_subcommand_from export import' -F
complete -c teachroot -n '__fish_seen_subcommand_from progress; and __fish_seen_subcommand_from forget' -k -a '(__teachroot_lessons)'
complete -c teachroot -n "$first; or $playing; or $demo" -k -a '(__teachroot_lessons)'
complete -c teachroot -n $playing -l format -x -a 'text tap json junit md html cast ipynb' -d 'Form of the results'
complete -c teachroot -n $playing -s o -l output -x -a '(__fish_complete_directories)' -d 'A file for each lesson and format there'
complete -c teachroot -n $playing -l annotations -d 'Tell GitHub Actions what failed'
complete -c teachroot -n $playing -l from -x -d 'Begin with that step'
complete -c teachroot -n $playing -l until -x -d 'End after that step'
complete -c teachroot -n $playing -l only -x -d 'That step alone'
complete -c teachroot -n $playing -l speed -x -d 'Letters typed a second'
complete -c teachroot -n $playing -l record-redact -d 'Replace what differs from play to play'
complete -c teachroot -n $playing -l shell -d 'A shell in the last lab when all is played'
complete -c teachroot -n $playing -l cast-version -x -a '2 3' -d 'Of asciicasts'
complete -c teachroot -n $playing -l keep -d 'Leave the lab running'
complete -c teachroot -n $playing -l keep-going -d 'Go on after a step that failed'
complete -c teachroot -n $playing -l timeout -x -d 'Give a lesson up after so many seconds'
set -l adopt '__fish_seen_subcommand_from adopt'
complete -c teachroot -n $adopt -F
complete -c teachroot -n $adopt -s o -l output -r -d 'Write the lesson to a file'
complete -c teachroot -n $adopt -l force -d 'Replace the file'
complete -c teachroot -n $adopt -l no-run -d 'Say what would run, and run nothing'
complete -c teachroot -n $adopt -l dry-run -d 'Say what would run, and run nothing'
complete -c teachroot -n $adopt -l timeout -x -d 'Give a run up after so many seconds'
complete -c teachroot -n $adopt -l rootless -d 'Make the lab as an ordinary user would'
complete -c teachroot -n $adopt -l offline -d 'No network in the lab'
complete -c teachroot -n '__fish_seen_subcommand_from test' -l lint -d 'Only look, and run nothing'
complete -c teachroot -n '__fish_seen_subcommand_from test' -l strict -d 'A warning fails as well'
complete -c teachroot -n '__fish_seen_subcommand_from test' -l watch -d 'Prove it again whenever it is saved'
complete -c teachroot -n '__fish_seen_subcommand_from lessons doctor' -l json -d 'For programs'
complete -c teachroot -n '__fish_seen_subcommand_from doctor' -l no-lab -d 'Do not build a lab'
complete -c teachroot -n $demo -l prepare -d 'Do what is slow now, and try it without a network'
complete -c teachroot -n $demo -l speed -x -d 'Letters typed a second'
complete -c teachroot -n $demo -l each -d 'Any key types the next letter'
complete -c teachroot -n $demo -l instant -d 'Commands are there at once'
complete -c teachroot -n $demo -l share -r -d 'Let others watch at this socket'
complete -c teachroot -n $demo -l share-group -x -a '(__fish_complete_groups)' -d 'Only these'
complete -c teachroot -n '__fish_seen_subcommand_from demo notes follow' -l ascii -d 'ASCII characters only'
complete -c teachroot -n '__fish_seen_subcommand_from notes follow' -F
complete -c teachroot -n '__fish_seen_subcommand_from help' -a 'demo notes follow play test adopt notebook kernel lessons transcript review progress report doctor lab image explain top'
complete -c teachroot -n '__fish_seen_subcommand_from explain' -a '(__fish_complete_subcommand --fcs-skip=2)'

set -l top '__fish_seen_subcommand_from top'
complete -c teachroot -n $top -s s -l scope -x -a 'host lab lab: container: cgroup:' -d 'Whose processes'
complete -c teachroot -n $top -s d -l delay -x -d 'Seconds between two refreshes'
complete -c teachroot -n $top -s g -l cgroups -d 'Begin with the cgroups'
complete -c teachroot -n $top -s t -l tree -d 'Begin with the tree'
complete -c teachroot -n $top -s n -l count -x -d 'Print that many times as text'
complete -c teachroot -n $top -l once -d 'Print once as text'
complete -c teachroot -n $top -l ascii -d 'ASCII characters only'

set -l image_verbs from-rootfs from-host import load save gc fsck
set -l image_first "__fish_seen_subcommand_from image; and not __fish_seen_subcommand_from ls $image_verbs"
complete -c teachroot -n $image_first -a from-rootfs -d 'An image from a directory'
complete -c teachroot -n $image_first -a from-host -d 'An image from programs of this machine'
complete -c teachroot -n $image_first -a import -d 'An image from the archive of a root filesystem'
complete -c teachroot -n $image_first -a load -d 'Images from an archive'
complete -c teachroot -n $image_first -a save -d 'Images to an archive'
complete -c teachroot -n $image_first -a ls -d 'List images'
complete -c teachroot -n $image_first -a gc -d 'Remove what no image needs'
complete -c teachroot -n $image_first -a fsck -d 'Check the image store'
complete -c teachroot -n '__fish_seen_subcommand_from from-rootfs from-host import load save' -F

set -l lab_verbs ls enter reset rm gc
set -l lab_first "__fish_seen_subcommand_from lab; and not __fish_seen_subcommand_from $lab_verbs"
complete -c teachroot -n $lab_first -a ls -d 'List the labs'
complete -c teachroot -n $lab_first -a enter -d 'Run a command or a shell in a lab'
complete -c teachroot -n $lab_first -a reset -d 'Throw away what was changed'
complete -c teachroot -n $lab_first -a rm -d 'End a lab and remove it'
complete -c teachroot -n $lab_first -a gc -d 'Clear what killed labs left behind'
complete -c teachroot -n '__fish_seen_subcommand_from lab; and __fish_seen_subcommand_from enter reset rm' -a '(__teachroot_labs)'
complete -c teachroot -n '__fish_seen_subcommand_from lab; and __fish_seen_subcommand_from enter' -l new -d 'Make a lab for it'
complete -c teachroot -n '__fish_seen_subcommand_from lab; and __fish_seen_subcommand_from enter' -l rootless -d 'Make it as an ordinary user would'
complete -c teachroot -n '__fish_seen_subcommand_from lab; and __fish_seen_subcommand_from enter' -l offline -d 'Without a network'
