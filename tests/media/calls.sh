#!/bin/sh
# Two real calls over loopback, one after the other: baresip calls baresip through Kamailio, rtpengine
# in between records. `sh tests/media/calls.sh DIR` writes what each recorder left into DIR (30 s; needs
# kamailio, rtpengine-daemon, baresip and ffmpeg). A tone of 440 Hz is all that is said.
set -eu
out=$1
here=$(mktemp -d)
trap 'kill $(cat "$here"/*.pid) 2>/dev/null; rm -rf "$here"' EXIT
export TZ=Europe/Riga
mkdir -p "$out/rtpengine" "$out/baresip"
cd "$here"
ffmpeg -v error -f lavfi -i sine=frequency=440:sample_rate=8000:duration=20 -ac 1 tone.wav

cat > kamailio.cfg <<CONFIG
#!KAMAILIO
debug=0
log_stderror=yes
children=1
listen=udp:127.0.0.1:15060
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:22222")
request_route {
    if (is_method("INVITE")) record_route();
    if (has_totag()) {
        if (is_method("BYE")) rtpengine_delete();
        if (loose_route() || is_method("ACK")) { t_relay(); exit; }
    }
    rtpengine_offer("replace-origin replace-session-connection record-call=on metadata=from:+37120000001|to:+37167000000");
    t_on_reply("ANSWER");
    rewritehostport("127.0.0.1:15072");
    t_relay();
}
onreply_route[ANSWER] {
    if (has_body("application/sdp")) rtpengine_answer("replace-origin replace-session-connection record-call=on");
}
CONFIG

phone() { # NAME PORT ACCOUNT
    mkdir -p "$1/dumps"
    cat > "$1/config" <<CONFIG
audio_player aufile,/dev/null
audio_source aufile,$here/tone.wav
audio_alert aufile,/dev/null
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
module_tmp account.so
module_app menu.so
snd_path $here/$1/dumps
sip_listen 127.0.0.1:$2
CONFIG
    echo "$3" > "$1/accounts"
    : > "$1/contacts"
}
phone a 15081 '<sip:a@127.0.0.1:15081>;regint=0;outbound="sip:127.0.0.1:15060;lr"'
phone b 15072 '<sip:b@127.0.0.1:15072>;regint=0;answermode=auto'

mkdir spool
rtpengine -f -E -i 127.0.0.1 -n 127.0.0.1:22222 --table=-1 -L 3 -m 30000 -M 30100 \
    --delete-delay=0 --recording-dir="$here/spool" --recording-method=pcap 2> rtpengine.log &
echo $! > rtpengine.pid
sleep 1
kamailio -DD -E -f kamailio.cfg -m 64 -M 4 2> kamailio.log &
echo $! > kamailio.pid
baresip -f b > b.log 2>&1 &
echo $! > b.pid
sleep 1
for seconds in 3 5; do
    baresip -f a -e "d sip:b@127.0.0.1:15060" -t "$seconds" > a.log 2>&1
    sleep 2
done
sleep 2
mv spool/metadata spool/pcaps "$out/rtpengine"
mv a/dumps/* "$out/baresip"
