DROP TABLE comments;
DROP TABLE climb_bookmarks;
DROP TABLE climb_likes;
DROP TABLE ascents;
